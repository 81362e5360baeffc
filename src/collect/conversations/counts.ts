/** What counts beyond the maximum of names are added to. */
const OTHER = "other";

/** Counts by name, from two sides. The number of names is bounded; the counts of all further ones have one name. */
export class SideCounts {
  readonly #max: number;
  readonly #counts = new Map<string, [number, number]>();

  constructor(max: number) {
    this.#max = max;
  }

  add(name: string, side: 0 | 1, count: number): void {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      const key = this.#counts.size < this.#max ? name : OTHER;
      counts = this.#counts.get(key) ?? [0, 0];
      this.#counts.set(key, counts);
    }
    counts[side] += count;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** The names with the counts of both sides, sorted. */
  entries(): [name: string, counts: readonly [number, number]][] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** The sums of both sides by name, in an object without a prototype. */
  toRecord(): Record<string, number> {
    const record: Record<string, number> = Object.create(null);
    for (const [name, [one, other]] of this.entries()) record[name] = one + other;
    return record;
  }
}
