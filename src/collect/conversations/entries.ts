import type { Entry } from "./entry.js";

/** Conversations by key, and in the order in which their last flows were added. */
export class Entries {
  readonly #byKey = new Map<string, Entry>();
  oldest: Entry | undefined;
  #newest: Entry | undefined;

  get size(): number {
    return this.#byKey.size;
  }

  find(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  /** Adds an entry, or moves it to the end. */
  setNewest(entry: Entry): void {
    if (this.#newest === entry) return;
    if (this.#byKey.get(entry.key) === entry) this.#unlink(entry);
    else this.#byKey.set(entry.key, entry);
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  delete(entry: Entry): void {
    this.#byKey.delete(entry.key);
    this.#unlink(entry);
  }

  #unlink(entry: Entry): void {
    if (entry.older === undefined) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
  }
}
