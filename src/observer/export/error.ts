import { FlowscribeError } from "../../errors/errors.js";
import { escapeControls } from "../format/escape.js";

/** The codes of {@link ExportError}. */
export type ExportErrorCode =
  | "malformed_export"
  | "truncated_export"
  | "malformed_gzip"
  | "unencodable_event";

/** An error for a line of an export file that cannot be decoded, or for an event that has no JSON form. */
export class ExportError extends FlowscribeError {
  declare readonly code: ExportErrorCode;
  /** The line with the fault, from 1; undefined if the fault does not belong to a line (gzip, encoding). */
  readonly line: number | undefined;
  /** Path of the file, if the lines were read by path. */
  readonly path: string | undefined;

  /** @param message May quote the input: control characters and line feeds are escaped so that it stays on one line. */
  constructor(
    code: ExportErrorCode,
    message: string,
    line?: number,
    options?: ErrorOptions & { readonly path?: string },
  ) {
    const text = escapeControls(message);
    const atLine = line === undefined ? text : `line ${line}: ${text}`;
    super(code, options?.path === undefined ? atLine : `${options.path}: ${atLine}`, options);
    this.line = line;
    this.path = options?.path;
    this.#fault = message;
  }

  readonly #fault: string;

  /** The message without the line and the path. */
  get fault(): string {
    return this.#fault;
  }
}

/** Creates the error for an event that has no JSON form. */
export function unencodableEvent(message: string, cause?: unknown): ExportError {
  return new ExportError("unencodable_event", message, undefined, { cause });
}
