import { FlowscribeError } from "../../errors/errors.js";
import { withoutPath } from "../../errors/message.js";

/** Where the lines of an export are written. */
export interface LineOutput {
  /**
   * Accepts a line without its line feed, as a string or its bytes, which are copied. Returns a promise if the output is
   * slower than the caller. If it throws, the line is not accepted.
   */
  write(line: string | Uint8Array): void | Promise<void>;
  /** Resolves when all accepted lines are written. */
  close(): Promise<void>;
  /** Lines that were accepted but could not be written. */
  readonly lostLines: number;
  /** Bytes of the accepted lines that are not lost, line feeds included. */
  readonly bytes: number;
  readonly rotations: number;
}

/** Creates the error for a failed output; the system's error is its `cause`. */
export function outputFailed(doing: string, cause: unknown): FlowscribeError {
  return new FlowscribeError("sink_failed", `${doing}: ${withoutPath(cause)}`, { cause });
}
