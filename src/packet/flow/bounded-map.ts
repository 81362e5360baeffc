/**
 * A map of at most `bound` entries (of none when that is below 2) that forgets those not asked for lately: there is a young and an old half, an entry
 * that is found in the old one moves to the young one, and when that is full it becomes the old one. Every step takes
 * the same time, however large the map.
 */
export class BoundedMap<Value> {
  readonly #half: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  /** Entries forgotten so far to keep the bound. */
  evicted = 0;

  /** @throws RangeError when the bound is not a whole number from 0 on. */
  constructor(name: string, bound: number) {
    if (!Number.isSafeInteger(bound) || bound < 0) {
      throw new RangeError(`${name} must be a whole number from 0 on, not ${bound}`);
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
