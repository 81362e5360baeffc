import type { Registry } from "@bufbuild/protobuf";
import { aClock, type Clock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import type { OpenError } from "../../errors/errors.js";
import { aBoolean, aFunction, aNumberFrom, oneOf } from "../../errors/value-checks.js";
import { aRegistry } from "../../message/json/registry.js";
import type { EventSource, JsonValue } from "../../observer/events/event-source.js";
import type { ExportError } from "../../observer/export/error.js";

/** What a program that reads export files may want to log. `path` is the name of the file when it was opened. */
export type ExportFileReport =
  /** A line is not an event, or too long. It is left out. `offset` is that of the line in bytes, after decompression. */
  | {
      readonly kind: "bad_line";
      readonly path: string;
      readonly offset: number;
      readonly message: string;
    }
  /** The rest of a file cannot be read: damaged gzip, or not export lines. Reading goes on with the next file. */
  | { readonly kind: "damaged"; readonly path: string; readonly error: ExportError }
  /** The file in which reading had to go on is gone, or shorter than what was read; `path` is read instead. Events may be missing. */
  | { readonly kind: "gap"; readonly path: string }
  /** A file was truncated after `offset` bytes were read. It is read from its start, after the copy of it if there is one. */
  | { readonly kind: "truncated"; readonly path: string; readonly offset: number }
  /** With `follow`: a file cannot be opened, also if it does not exist yet. It is tried again. Reported once. */
  | { readonly kind: "waiting"; readonly path: string; readonly error: OpenError };

/** Options of `exportFileSource`. */
export interface ExportFileSourceOptions {
  /** Waits for more lines and for the next file, as `tail -F` does, instead of ending; default false. */
  readonly follow?: boolean;
  /** Where to begin without a position: with the oldest file (`start`, the default), or after all lines that exist. */
  readonly from?: "start" | "end";
  /** Whether backups of the file are read, too; default true. */
  readonly backups?: boolean;
  /** Called with what a program may want to log. It must not throw. */
  readonly onReport?: (report: ExportFileReport) => void;
  /** The maximum length of a line in bytes; 1 MiB by default. Longer lines are bad lines, and not held in memory. */
  readonly maxLineBytes?: number;
  /** The types of messages in the `extensions` of flows; Hubble's own and the well-known types by default. */
  readonly registry?: Registry;
  readonly clock?: Clock;
}

/** Counts of an {@link ExportFileSource}. */
export interface ExportFileSourceStats {
  /** Events that were read. */
  readonly events: number;
  /** Bytes that were read, after decompression. */
  readonly bytes: number;
  readonly badLines: number;
  /** Files that were opened. */
  readonly files: number;
  /** Files whose rest could not be read. */
  readonly damagedFiles: number;
  /** How often events may be missing because a file was gone or truncated. */
  readonly gaps: number;
}

/** An export file as a source that can be resumed. */
export interface ExportFileSource extends EventSource {
  readonly stats: ExportFileSourceStats;
  position(): JsonValue;
}

export const SOURCE_OPTIONS: OptionTable<ExportFileSourceOptions> = {
  follow: aBoolean,
  from: oneOf("start", "end"),
  backups: aBoolean,
  onReport: aFunction,
  maxLineBytes: aNumberFrom(1),
  registry: aRegistry,
  clock: aClock,
};
