/**
 * Global types that the shipped declarations use and that a TypeScript program without `esnext.disposable`, `dom` and
 * Node's types does not have. They merge with the full ones where a program has those, as in `@types/node`. packet/source.ts
 * loads this file for all modules whose declarations import it; others that name these types need Node's anyway.
 *
 * @module
 */
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }

  interface AsyncDisposable {
    /** Releases what the object holds, as `await using` does at the end of its block. */
    [Symbol.asyncDispose](): PromiseLike<void>;
  }

  /** Has members where `dom`, `webworker` or Node's types are loaded; nothing else makes signals. */
  interface AbortSignal {}
}

export type {};
