import { FlowscribeError } from "../../../errors/errors.js";

/** A line that is not an export line, or cannot be decoded. */
export class ExportLineError extends FlowscribeError {
  declare readonly code: "malformed_export";
  /** The offset of the fault in the line, in bytes from its start. */
  readonly offset: number;

  constructor(message: string, offset: number, options?: ErrorOptions) {
    super("malformed_export", `${message} (at byte ${offset})`, options);
    this.offset = offset;
  }
}
