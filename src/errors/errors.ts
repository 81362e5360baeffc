import { withoutPath } from "./message.js";

/**
 * All error codes of this package; docs/errors.md documents the cause and remedy of each.
 */
export const ERROR_CODES = [
  "invalid_filter",
  "invalid_flags",
  "invalid_recording",
  "invalid_options",
  "invalid_field_mask",
  "invalid_cel",
  "evaluation_failed",
  "open_failed",
  "not_a_capture",
  "unsupported_capture",
  "truncated_capture",
  "malformed_capture",
  "malformed_gzip",
  "malformed_export",
  "truncated_export",
  "malformed_message",
  "unencodable_event",
  "mixed_link_types",
  "time_out_of_range",
  "source_consumed",
  "sink_failed",
  "events_refused",
  "source_failed",
  "package_missing",
  "rpc_failed",
  "invalid_target",
  "capture_unavailable",
  "capture_denied",
  "no_such_device",
  "device_down",
  "device_gone",
  "invalid_expression",
  "capture_failed",
] as const;

/** Identifies the error for the caller; stable, unlike the message. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Thrown for errors in the input, the configuration or the environment. Invalid arguments throw plain `TypeError`s. */
export class FlowscribeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One problem of a configuration: its location, in the user's terms, and a message. */
export interface Issue {
  /**
   * Path of the value, in protobuf field names for messages, for example `include[0].source_port`; empty for the
   * configuration as a whole.
   */
  readonly path: string;
  /**
   * Hubble's own message where Hubble defines one. Messages about flow filters and options above 4,000 UTF-16 code
   * units are shortened, with `…` in the middle.
   */
  readonly message: string;
}

/** An invalid configuration, with all its issues in the order in which Hubble would report them. */
export class ConfigurationError extends FlowscribeError {
  readonly issues: readonly Issue[];

  constructor(
    code: "invalid_filter" | "invalid_recording" | "invalid_field_mask" | "invalid_options",
    issues: readonly Issue[],
  ) {
    super(
      code,
      issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n"),
    );
    this.issues = issues;
  }
}

/** Invalid filters. */
export class FilterError extends ConfigurationError {
  declare readonly code: "invalid_filter";

  constructor(issues: readonly Issue[]) {
    super("invalid_filter", issues);
  }
}

/**
 * Invalid options: unknown keys, type mismatches, values out of range. The path of an issue is that of the option, such
 * as `rotation.maxBytes`, or `options` for the object as a whole.
 */
export class OptionsError extends ConfigurationError {
  declare readonly code: "invalid_options";

  constructor(issues: readonly Issue[]) {
    super("invalid_options", issues);
  }
}

/** A file cannot be opened; `cause` is the system error (`ENOENT`, `EACCES`, …). */
export class OpenError extends FlowscribeError {
  declare readonly code: "open_failed";
  readonly path: string;

  constructor(path: string, cause: unknown) {
    // Only the words of "ENOENT: no such file or directory": the cause has the code.
    super("open_failed", `open ${path}: ${withoutPath(cause).replace(/^E[A-Z0-9]+: /, "")}`, { cause });
    this.path = path;
  }
}

/** The codes of {@link CaptureError}. */
export type CaptureErrorCode =
  | "not_a_capture"
  | "unsupported_capture"
  | "truncated_capture"
  | "malformed_capture"
  | "malformed_gzip";

/** A capture cannot be read any further. Every packet before {@link offset} has been yielded. */
export class CaptureError extends FlowscribeError {
  declare readonly code: CaptureErrorCode;
  /** Offset in bytes of the invalid part of the capture (for `malformed_gzip`, in the compressed data). */
  readonly offset: number;
  /** Path of the file, if the capture was opened by path. */
  readonly path: string | undefined;

  constructor(code: CaptureErrorCode, offset: number, message: string, path?: string) {
    super(code, `${path === undefined ? "" : `${path}: `}${message} (at byte ${offset})`);
    this.#fault = message;
    this.offset = offset;
    this.path = path;
  }

  readonly #fault: string;

  /** Returns the same error with the path of the file. */
  inFile(path: string): CaptureError {
    return new CaptureError(this.code, this.offset, this.#fault, path);
  }
}
