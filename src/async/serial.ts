/** Runs asynchronous operations one at a time, in the order of the calls. A failure does not affect later operations. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Whether all operations have settled. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Runs an operation after all earlier ones, and settles as it does. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#last.then(operation).finally(() => {
      this.#pending--;
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
