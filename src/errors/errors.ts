import { withoutPath } from "./message.js";

/**
 * Every code that an error of this package can carry; docs/errors.md says of each what causes it and what to do.
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
  "unencodable_event",
  "mixed_link_types",
  "time_out_of_range",
  "source_consumed",
  "sink_failed",
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

/** What a caller can act on; stable, unlike the message. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Thrown for everything that the caller or the input can cause; bugs are plain `TypeError`s. */
export class FlowscribeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One fault of a configuration: where, in the user's words, and what. */
export interface Issue {
  /** Path in protobuf field names, for example `include[0].source_port`; empty for the configuration as a whole. */
  readonly path: string;
  /**
   * Hubble's own text wherever Hubble defines one. Those about filters quote values in full up to 4,000 UTF-16 code units
   * in all; beyond, the middle gives way to `…`.
   */
  readonly message: string;
}

/** A configuration with faults: all of them, in the order in which Hubble would have met them. */
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

/** Filters that do not compile. */
export class FilterError extends ConfigurationError {
  declare readonly code: "invalid_filter";

  constructor(issues: readonly Issue[]) {
    super("invalid_filter", issues);
  }
}

/**
 * Options that a function cannot accept: unknown names, wrong types, values out of range. The path of an issue is the
 * option's, such as `rotation.maxBytes`, or `options` for the object as a whole.
 */
export class OptionsError extends ConfigurationError {
  declare readonly code: "invalid_options";

  constructor(issues: readonly Issue[]) {
    super("invalid_options", issues);
  }
}

/** A file that cannot be opened; the system's error (`ENOENT`, `EACCES`, …) is its cause. */
export class OpenError extends FlowscribeError {
  declare readonly code: "open_failed";
  readonly path: string;

  constructor(path: string, cause: unknown) {
    // Of "ENOENT: no such file or directory" the words: the code is that of the cause.
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

/** A capture that cannot be read on. Every packet before {@link offset} has been handed out. */
export class CaptureError extends FlowscribeError {
  declare readonly code: CaptureErrorCode;
  /** Bytes from the start of the capture to the part at fault (of the compressed bytes for `malformed_gzip`). */
  readonly offset: number;
  /** The file, when the capture was opened by its path. */
  readonly path: string | undefined;

  constructor(code: CaptureErrorCode, offset: number, message: string, path?: string) {
    super(code, `${path === undefined ? "" : `${path}: `}${message} (at byte ${offset})`);
    this.#fault = message;
    this.offset = offset;
    this.path = path;
  }

  readonly #fault: string;

  /** The same error, telling the file. */
  inFile(path: string): CaptureError {
    return new CaptureError(this.code, this.offset, this.#fault, path);
  }
}
