import type { FlowFilterOptions } from "../../filter/filter-options.js";
import type { ExportErrorCode } from "../../observer/export/error.js";

/** What a worker needs to know once. */
export interface WorkerSettings {
  /** Encoded FlowFilter messages. */
  readonly allow: readonly Uint8Array[];
  readonly deny: readonly Uint8Array[];
  readonly maxLineBytes: number;
  /** Whether a bad line ends the file. Then all lines before it precede its message. */
  readonly stopsAtBadLine: boolean;
  readonly filterOptions: Pick<FlowFilterOptions, "hubble" | "stringCacheBytes">;
  /** Whether events that are not flows are tested as empty flows, as `hubble observe` does. */
  readonly othersAreEmptyFlows: boolean;
}

/**
 * A part of a file: the lines that start from `start` to before `end`.
 *
 * If a line in it is more than a plain event, or it is `whole`, the worker reads from the beginning of the part to the end
 * of the file, in order: envelopes and documents on several lines depend on the lines before them.
 */
export interface Part {
  readonly path: string;
  /**
   * The open file, which all threads of the process share: its parts stay together when it is rotated or removed.
   * Undefined for what is not a regular file, or does not open.
   */
  readonly descriptor?: number;
  readonly start: number;
  readonly end: number;
  /** Whether the part is a whole file that cannot be divided, such as a compressed one, or does not open. */
  readonly whole: boolean;
  /** Size of the file; 0 if it is not known. */
  readonly size: number;
}

/** What is sent to a worker: a part, or that it may go on after a block. */
export type ToWorker = { readonly kind: "part"; readonly part: Part } | { readonly kind: "more" };

/** What a worker sends: for each part, messages, of which the last one is of one of {@link LAST_KINDS}. */
export type FromWorker =
  /**
   * The matching lines of a part with plain events, each with its line feed. If the file has become shorter than its
   * `size`, only those that are complete, and where the file ended.
   */
  | {
      readonly kind: "lines";
      readonly bytes: Uint8Array;
      readonly matched: number;
      readonly lines: number;
      readonly truncatedAt: number | undefined;
    }
  /** The part is read to the end of the file, in blocks; the worker waits for `more` after each. */
  | { readonly kind: "inOrder" }
  | { readonly kind: "block"; readonly bytes: Uint8Array; readonly matched: number }
  /** A line that cannot be decoded; counted from the beginning of the part. */
  | { readonly kind: "badLine"; readonly line: number | undefined; readonly fault: string }
  | { readonly kind: "end" }
  /** The file does not contain export lines. */
  | { readonly kind: "refused"; readonly code: ExportErrorCode; readonly fault: string }
  /** The file, read in order, has become shorter than its `size`. Lines before the offset have been sent. */
  | { readonly kind: "truncated"; readonly offset: number }
  /** An error of the system. */
  | { readonly kind: "failed"; readonly error: unknown };

/** The kinds of the last message for a part. */
export const LAST_KINDS: ReadonlySet<FromWorker["kind"]> = new Set([
  "lines",
  "end",
  "refused",
  "truncated",
  "failed",
]);
