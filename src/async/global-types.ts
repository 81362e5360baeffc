/**
 * Global types that the published declarations use, for TypeScript programs without `esnext.disposable`, `dom` and
 * Node's types. Where a program has the full types, these merge with them, as in `@types/node`. packet/source.ts loads
 * this file for all modules whose declarations import it, and so do the others whose declarations use these types.
 *
 * @module
 */
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }

  interface Disposable {
    /** Releases the resources of the object; called by `using` at the end of its block. */
    [Symbol.dispose](): void;
  }

  interface AsyncDisposable {
    /** Releases the resources of the object; called by `await using` at the end of its block. */
    [Symbol.asyncDispose](): PromiseLike<void>;
  }

  /**
   * Empty here. `dom`, `webworker` and Node's types declare its members, and only their environments create signals.
   */
  interface AbortSignal {}
}

export type {};
