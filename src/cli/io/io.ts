import type { Clock } from "../../async/clock.js";

/** Everything that a command uses of its environment except files, so that tests can replace it. */
export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP, with an `Interruption` as its reason, or when the reader of the
   * output has closed it, with a `BrokenPipe`. Commands then end gracefully and soon.
   */
  readonly signal: AbortSignal;
  /**
   * Calls the listener at each SIGHUP, which then does not abort the signal: for commands that reload their configuration.
   * Absent if there are no signals.
   *
   * @returns A function that restores the usual meaning.
   */
  onHangUp?(listener: () => void): () => void;
}

export interface InputStream {
  readonly isTerminal: boolean;
  /** The bytes; may be called only once. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface OutputStream {
  readonly isTerminal: boolean;
  /** Characters per line on a terminal; undefined otherwise. */
  readonly columns: number | undefined;
  /** Lines of a terminal; absent or undefined otherwise. */
  readonly rows?: number | undefined;
  /**
   * Writes text or bytes, which must not change afterwards. If a promise is returned, await it before writing more.
   *
   * @throws BrokenPipe if the reader has closed the output, also from the promise; otherwise the system's error.
   */
  write(chunk: string | Uint8Array): Promise<void> | undefined;
  /**
   * Calls `onClosed` once when the reader closes the output, even if nothing is written. Absent if this is unsupported.
   *
   * @returns A function that stops watching.
   */
  watch?(onClosed: () => void): () => void;
  /** Resolves when all written data has left the process. Throws and rejects as {@link write} does. */
  flush(): Promise<void>;
}

/** The reader of an output has closed it. Not a failure: the reader decides how much it needs. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

/** The program is ending, and the open output is not being read: the remaining data cannot be written. */
export class UnreadOutput extends Error {
  override readonly name = "UnreadOutput";
}
