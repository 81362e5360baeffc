import { FlowscribeError } from "../errors.js";

/** The codes of {@link ExportError}. */
export type ExportErrorCode = "malformed_export" | "malformed_gzip" | "unencodable_event";

/** A line of an export file that cannot be read, or an event that has no JSON form. */
export class ExportError extends FlowscribeError {
  /** The line at fault, from 1; undefined when the fault is not that of a line (gzip, encoding). */
  readonly line: number | undefined;

  constructor(code: ExportErrorCode, message: string, line?: number, options?: ErrorOptions) {
    super(code, line === undefined ? message : `line ${line}: ${message}`, options);
    this.line = line;
  }
}
