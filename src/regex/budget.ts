/** Instructions of all patterns of one compilation together. */
export const MAX_TOTAL_SIZE = 1_000_000;

const KIB = 1024;
/** Shared among all automata of one compilation, as long as each gets the least that is of use. */
const AUTOMATA_BYTES = 64 * KIB * KIB;
const LEAST_AUTOMATON_BYTES = 32 * KIB;
/** With more, re2js takes longer to find out that an automaton does not pay. */
const MOST_AUTOMATON_BYTES = KIB * KIB;
/** Shared among all memos likewise. */
const TOTAL_MEMO_ENTRIES = 64 * KIB;
const LEAST_MEMO_ENTRIES = 64;

/** What the regular expressions of one compilation may take together. The shares are settled when texts come. */
export class RegexBudget {
  private size = 0;
  private automata = 0;
  private memos = 0;

  constructor(private readonly maxSize = MAX_TOTAL_SIZE) {}

  /** Whether instructions can still be had; takes them if so. */
  spend(size: number): boolean {
    if (this.size + size > this.maxSize) return false;
    this.size += size;
    return true;
  }

  addAutomaton(): void {
    this.automata++;
  }

  addMemo(): void {
    this.memos++;
  }

  /** The bytes that the states of an automaton may take, as the engine counts them. */
  automatonBytes(): number {
    return share(AUTOMATA_BYTES, this.automata, LEAST_AUTOMATON_BYTES, MOST_AUTOMATON_BYTES);
  }

  /** The texts that a memo may remember, of those it would. */
  memoEntries(wanted: number): number {
    return share(TOTAL_MEMO_ENTRIES, this.memos, Math.min(LEAST_MEMO_ENTRIES, wanted), wanted);
  }
}

function share(total: number, parts: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(total / Math.max(1, parts))));
}
