/** Something that held from one time to another, in milliseconds since 1970: the first and the last time it was seen. */
export interface Holding<T> {
  value: T;
  fromMs: number;
  toMs: number;
}

/** The maximum number of holdings of an address. When there are more, the oldest are forgotten. */
const MAX_HOLDINGS = 64;

/**
 * What held one after the other, such as the endpoints of an address. What was seen holds until something else was seen.
 *
 * Observations may arrive in any order. One between two observations of another value divides that value's time: it held
 * up to the one, and again from the other on.
 */
export class Holdings<T> {
  readonly #list: Holding<T>[] = [];
  readonly #isSame: (known: T, seen: T) => boolean;

  constructor(isSame: (known: T, seen: T) => boolean) {
    this.#isSame = isSame;
  }

  get list(): readonly Holding<T>[] {
    return this.#list;
  }

  get latest(): T | undefined {
    return this.#list.at(-1)?.value;
  }

  /** The value that held at a time; before the first one, that one. */
  at(timeMs: number): T | undefined {
    return this.#list[Math.max(0, this.#indexAt(timeMs))]?.value;
  }

  /** The known value if it is the same and no more than the end of its holding changes, which is by far the most usual. */
  extendLatest(value: T, timeMs: number): T | undefined {
    const last = this.#list.at(-1);
    if (last === undefined || timeMs < last.fromMs || !this.#isSame(last.value, value)) return undefined;
    if (timeMs > last.toMs) last.toMs = timeMs;
    return last.value;
  }

  /** Notes that a value was seen. Returns by how much the number of holdings has changed. */
  observe(value: T, timeMs: number): number {
    const before = this.#list.length;
    const index = this.#indexAt(timeMs);
    const current = this.#list[index];
    const next = this.#list[index + 1];
    if (current !== undefined && this.#isSame(current.value, value)) {
      current.value = value;
      current.toMs = Math.max(current.toMs, timeMs);
    } else if (
      next !== undefined &&
      this.#isSame(next.value, value) &&
      (current?.toMs ?? -Infinity) < timeMs
    ) {
      next.fromMs = timeMs;
    } else {
      this.#insert(index + 1, value, timeMs, current);
      if (this.#list.length > MAX_HOLDINGS) this.#list.splice(0, this.#list.length - MAX_HOLDINGS);
    }
    return this.#list.length - before;
  }

  /** Adds a holding after all others, for a snapshot. */
  push(holding: Holding<T>): void {
    this.#list.push(holding);
  }

  #insert(index: number, value: T, timeMs: number, current: Holding<T> | undefined): void {
    const own = { value, fromMs: timeMs, toMs: timeMs };
    if (current === undefined || (current.toMs <= timeMs && current.fromMs < timeMs)) {
      this.#list.splice(index, 0, own);
    } else if (current.fromMs === timeMs) {
      // Two values at the same time: the one that was learnt later counts.
      if (current.toMs === timeMs) this.#list[index - 1] = own;
      else {
        current.fromMs = current.toMs;
        this.#list.splice(index - 1, 0, own);
      }
    } else {
      const again = { value: current.value, fromMs: current.toMs, toMs: current.toMs };
      current.toMs = current.fromMs;
      this.#list.splice(index, 0, own, again);
    }
  }

  /** The index of the last holding that begins at or before a time; -1 if there is none. */
  #indexAt(timeMs: number): number {
    let low = -1;
    let high = this.#list.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#list[middle]!.fromMs <= timeMs) low = middle;
      else high = middle;
    }
    return low;
  }
}
