/**
 * Lets asynchronous code wait until another part of the program changes something. A call of `wake` while nothing waits
 * has no effect, so check the condition first, in a loop. {@link Wakeup.until} does that.
 *
 * @example
 * const changed = new Wakeup();
 * while (queue.length === 0) await changed.wait();
 */
export class Wakeup {
  #waiting: (() => void)[] = [];

  /** Resolves at the next {@link wake}. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Resolves every pending {@link wait}. */
  wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Calls `find` now and after each {@link wake} until it returns a value. Rejects if it throws. */
  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await this.wait();
    }
  }
}
