import { FlowscribeError } from "../../errors/errors.js";
import { escapeControls } from "../format/escape.js";

/** The codes of {@link ExportError}. */
export type ExportErrorCode = "malformed_export" | "malformed_gzip" | "unencodable_event";

/** A line of an export file that cannot be read, or an event that has no JSON form. */
export class ExportError extends FlowscribeError {
  /** The line at fault, from 1; undefined when the fault is not that of a line (gzip, encoding). */
  readonly line: number | undefined;

  /** @param message May quote the input: control characters and line feeds are escaped, so that it stays one line. */
  constructor(code: ExportErrorCode, message: string, line?: number, options?: ErrorOptions) {
    const text = escapeControls(message);
    super(code, line === undefined ? text : `line ${line}: ${text}`, options);
    this.line = line;
  }
}

/** The error of an event that has no JSON form. */
export function unencodableEvent(message: string, cause?: unknown): ExportError {
  return new ExportError("unencodable_event", message, undefined, { cause });
}
