import { FlowscribeError } from "../../errors/errors.js";
import { escapeControls } from "../format/escape.js";

/** The codes of {@link ExportError}. */
export type ExportErrorCode = "malformed_export" | "malformed_gzip" | "unencodable_event";

/** An error for a line of an export file that cannot be decoded, or for an event that has no JSON form. */
export class ExportError extends FlowscribeError {
  /** The line with the fault, from 1; undefined if the fault does not belong to a line (gzip, encoding). */
  readonly line: number | undefined;

  /** @param message May quote the input: control characters and line feeds are escaped so that it stays on one line. */
  constructor(code: ExportErrorCode, message: string, line?: number, options?: ErrorOptions) {
    const text = escapeControls(message);
    super(code, line === undefined ? text : `line ${line}: ${text}`, options);
    this.line = line;
  }
}

/** Creates the error for an event that has no JSON form. */
export function unencodableEvent(message: string, cause?: unknown): ExportError {
  return new ExportError("unencodable_event", message, undefined, { cause });
}
