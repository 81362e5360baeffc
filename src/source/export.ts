/** Export files: filtered on several cores, and as a source of events. Node only. */
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import {
  aFunction,
  aListOf,
  aNumberFrom,
  anInteger,
  aPath,
  aSignal,
  either,
  oneOf,
} from "../errors/value-checks.js";
import type { FlowFilterLists } from "../filter/compile.js";
import { FLOW_FILTER_OPTIONS } from "../filter/filter-options.js";
import {
  type ExportFileSource,
  type ExportFileSourceOptions,
  SOURCE_OPTIONS,
} from "./export-file/options.js";
import { FileSource } from "./export-file/source.js";
import { FileFilter } from "./filter-files/file-filter.js";
import type { FilteredFiles, FilterFilesOptions } from "./filter-files/options.js";

export { ExportError } from "../observer/export/error.js";
export type {
  ExportFileReport,
  ExportFileSource,
  ExportFileSourceOptions,
  ExportFileSourceStats,
} from "./export-file/options.js";
export type { FilteredFiles, FilterFilesOptions, FilterFilesStats } from "./filter-files/options.js";

const OPTIONS: OptionTable<FilterFilesOptions> = {
  workers: anInteger(1, 64),
  signal: aSignal,
  onBadLine: either((value) => typeof value === "function", aFunction, oneOf("throw", "skip")),
  maxLineBytes: aNumberFrom(1),
  hubble: FLOW_FILTER_OPTIONS.hubble,
  stringCacheBytes: FLOW_FILTER_OPTIONS.stringCacheBytes,
};

/**
 * Filters export files on several cores, in worker threads. Yields the same lines as `filterExport` for one file after
 * the other, in order: chunks of whole lines, each with its line feed, which can be written as they are. The caller owns
 * the chunks.
 *
 * Plain files are divided into parts of 1 MiB. A compressed file, and the rest of a file from an envelope, a document on
 * several lines or a bad line on, is read by one worker. The workers are at most four parts each ahead of the reader; of a
 * part that is not divided, up to 4 MiB of lines wait.
 *
 * @param paths Paths of export files, plain or gzip. A file that grows is read up to the size that it has when its turn
 *   comes.
 * @param filters Filter lists. Engines for regular expressions and CEL cannot be passed to workers; the built-in ones are
 *   used.
 * @throws FilterError, OptionsError, or TypeError for an invalid argument, from the call itself.
 * @throws ExportError as `filterExport`, with the path; `truncated_export`, with the offset in its message, for a plain file
 *   that becomes shorter while it is read; OpenError for a file that cannot be read; the signal's reason. From
 *   the iteration, after all lines before.
 *
 * @example
 * for await (const lines of filterFiles(["events.log", "events-1.log.gz"], { allow: [{ verdict: ["DROPPED"] }] })) {
 *   process.stdout.write(lines);
 * }
 */
export function filterFiles(
  paths: readonly string[],
  filters: FlowFilterLists,
  options: FilterFilesOptions = {},
): FilteredFiles {
  checkArgument("filterFiles", "paths", paths, aListOf(aPath));
  checkOptions("filterFiles", options, OPTIONS);
  return new FileFilter([...paths], filters, options);
}

/**
 * Reads an export file of Hubble, and the backups that its rotation leaves, as a source for `collect`. The files are one
 * sequence: backups of Hubble's exporter (`events-2026-01-02T15-04-05.000.log`) and of logrotate (`events.log.1`), plain or
 * gzip, the oldest first, then the file itself. With `follow`, lines and files that come later follow as with `tail -F`,
 * checked four times a second; several rotations between two checks, and truncation (`copytruncate`), are handled.
 *
 * Its position identifies a file by its first bytes, at most 1,024, and has the offset of a line, after decompression: reading
 * resumes in the same file after it was renamed or compressed, and goes on with the newer ones. If that file is gone, `onReport` is
 * called with `gap`, and reading goes on with the file after the one before it, or else with the oldest that exists. Each line
 * is yielded once, unless the process crashes.
 *
 * Lines have any form that `decodeExport` reads. Bad lines are counted and reported, and never end the source. A last line
 * without a line feed is read at the end of a file; with `follow`, not before the file is replaced. Memory is bounded by
 * 1 MiB and a few lines of `maxLineBytes`, whatever the files have.
 *
 * @param path A regular file. For pipes and standard input use `fromEvents(decodeExport(stream))`.
 * @throws OptionsError, or TypeError for an invalid path, from the call itself. From the iteration: OpenError `open_failed`
 *   if a file cannot be opened or read, unless `follow` waits for it, and for a position of another source; ExportError
 *   `malformed_gzip` and `malformed_export` if the last file is damaged or of another kind, after its events; the signal's
 *   reason.
 *
 * @example
 * const source = exportFileSource("/var/run/cilium/hubble/events.log", { follow: true, onReport: console.warn });
 */
export function exportFileSource(path: string, options: ExportFileSourceOptions = {}): ExportFileSource {
  checkArgument("exportFileSource", "path", path, aPath);
  checkOptions("exportFileSource", options, SOURCE_OPTIONS);
  return new FileSource(path, options);
}
