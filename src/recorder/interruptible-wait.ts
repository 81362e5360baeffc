/** The result of a wait that was left. */
export const LEFT: unique symbol = Symbol("left");

/** The waits of a loop, one at a time, which another part of the program can end. */
export class InterruptibleWait {
  #failure: { readonly error: unknown } | undefined;
  #reject = () => {};
  #leave = () => {};

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Ends the pending wait and all later ones, which throw the error. The first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#reject();
  }

  /** Ends a pending {@link orLeave}. */
  leave(): void {
    this.#leave();
  }

  /** Waits for a promise. Throws a failure that occurs in the meantime. */
  for<T>(promise: Promise<T>): Promise<T> {
    return this.#wait(promise, () => {});
  }

  /** As {@link for}; returns {@link LEFT} if {@link leave} is called first. */
  orLeave<T>(promise: Promise<T>): Promise<T | typeof LEFT> {
    return this.#wait<T | typeof LEFT>(promise, (resolve) => {
      this.#leave = () => resolve(LEFT);
    });
  }

  async #wait<T>(promise: Promise<T>, prepare: (resolve: (value: T) => void) => void): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#reject = () => reject(this.#failure?.error);
        prepare(resolve);
        if (this.#failure !== undefined) this.#reject();
        promise.then(resolve, reject);
      });
    } finally {
      // Also if the promise has settled before the failure.
      if (this.#failure !== undefined) throwFailure(this.#failure);
    }
  }
}

function throwFailure({ error }: { readonly error: unknown }): never {
  throw error;
}
