/**
 * Global types that the published declarations use, for TypeScript programs without `esnext.disposable`, `dom` and
 * Node's types. Where a program has the full types, these merge with them, as in `@types/node`. packet/source.ts loads
 * this file for all modules whose declarations import it; other modules that use these types need Node's types anyway.
 *
 * @module
 */
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
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
