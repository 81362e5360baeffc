import type { Clock } from "../async/clock.js";

/** All that a command has of the world besides files, so that tests can make it up. */
export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP, with an `Interruption` as its reason, or when the reader of the output has
   * gone, with a `BrokenPipe`; commands then end cleanly, and soon.
   */
  readonly signal: AbortSignal;
}

export interface InputStream {
  readonly isTerminal: boolean;
  /** The bytes; may be asked for once. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface OutputStream {
  readonly isTerminal: boolean;
  /** Characters to a line, where it is a terminal. */
  readonly columns: number | undefined;
  /**
   * Hands text or bytes on, which must not change afterwards; a promise while no more should follow.
   *
   * @throws BrokenPipe when nobody reads any more, here or from the promise; else the system's error.
   */
  write(chunk: string | Uint8Array): Promise<void> | undefined;
  /**
   * Calls back once when the reader has gone, without a write; where that can be known.
   *
   * @returns Stops watching.
   */
  watch?(onClosed: () => void): () => void;
  /** Resolves when all that was written has left the program. Throws and rejects as {@link write} does. */
  flush(): Promise<void>;
}

/** The reader of an output has gone. Not a failure: whoever reads decides how much. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

/** The program was asked to end, and its output is open but not read: what is left of it cannot be written. */
export class UnreadOutput extends Error {
  override readonly name = "UnreadOutput";
}
