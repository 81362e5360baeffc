/**
 * A map of at most `bound` entries (none if `bound` is below 2) that evicts entries which were not used recently. It
 * has a young and an old half: an entry found in the old half moves to the young one, and when the young half is full
 * it replaces the old one. Each operation takes constant time.
 */
export class BoundedMap<Value> {
  readonly #half: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  /** Entries evicted so far to respect the bound. */
  evicted = 0;

  /** @throws RangeError if the bound is not a safe integer of at least 0. */
  constructor(name: string, bound: number) {
    if (!Number.isSafeInteger(bound) || bound < 0) {
      throw new RangeError(`${name} must be an integer of at least 0, not ${bound}`);
    }
    this.#half = Math.floor(bound / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#insert(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    this.#old.delete(key);
    this.#insert(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #insert(key: string, value: Value): void {
    if (this.#half === 0) return;
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.evicted += this.#old.size;
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
