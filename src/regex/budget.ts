/** The maximum number of instructions of all patterns in one compilation. */
export const MAX_TOTAL_SIZE = 1_000_000;

const KIB = 1024;
/** Shared by all automata of one compilation; each gets at least {@link LEAST_AUTOMATON_BYTES}. */
const AUTOMATA_BYTES = 64 * KIB * KIB;
const LEAST_AUTOMATON_BYTES = 32 * KIB;
/** With more memory, re2js takes longer to detect that an automaton is not worthwhile. */
const MOST_AUTOMATON_BYTES = KIB * KIB;
/** Shared by all memos of one compilation; each gets at least {@link LEAST_MEMO_ENTRIES} or what it requests. */
const TOTAL_MEMO_ENTRIES = 64 * KIB;
const LEAST_MEMO_ENTRIES = 64;

/**
 * The memory and size budget of the regular expressions in one compilation. Shares are computed at the first search.
 */
export class RegexBudget {
  readonly #maxSize: number;
  #size = 0;
  #automata = 0;
  #memos = 0;

  constructor(maxSize: number = MAX_TOTAL_SIZE) {
    this.#maxSize = maxSize;
  }

  /** Reserves instructions; returns false if the budget is exceeded. */
  spend(size: number): boolean {
    if (this.#size + size > this.#maxSize) return false;
    this.#size += size;
    return true;
  }

  addAutomaton(): void {
    this.#automata++;
  }

  addMemo(): void {
    this.#memos++;
  }

  /** The maximum bytes for the states of an automaton, as the engine counts them. */
  automatonBytes(): number {
    return share(AUTOMATA_BYTES, this.#automata, LEAST_AUTOMATON_BYTES, MOST_AUTOMATON_BYTES);
  }

  /** The maximum number of strings in a memo, at most `wanted`. */
  memoEntries(wanted: number): number {
    return share(TOTAL_MEMO_ENTRIES, this.#memos, Math.min(LEAST_MEMO_ENTRIES, wanted), wanted);
  }
}

function share(total: number, parts: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(total / Math.max(1, parts))));
}
