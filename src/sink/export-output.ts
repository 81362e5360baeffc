import { FlowscribeError } from "../errors/errors.js";
import { withoutPath } from "../errors/message.js";

/** Where the lines of an export go. */
export interface LineOutput {
  /** Takes a line without its line feed; a promise where the output is behind. Lines it throws for are not taken. */
  write(line: string): void | Promise<void>;
  /** Resolves when everything taken is written. */
  close(): Promise<void>;
  /** Lines that were taken and could not be written after all. */
  readonly lostLines: number;
  /** Bytes of the lines that were taken and not lost, line feeds included. */
  readonly bytes: number;
  readonly rotations: number;
}

/** A failure of an output, with the system's error as its cause. */
export function outputFailed(doing: string, cause: unknown): FlowscribeError {
  return new FlowscribeError("sink_failed", `${doing}: ${withoutPath(cause)}`, { cause });
}
