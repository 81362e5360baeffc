/** Export files, filtered on several cores. Node only. */
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
import { FileFilter } from "./filter-files/file-filter.js";
import type { FilteredFiles, FilterFilesOptions } from "./filter-files/options.js";

export { ExportError } from "../observer/export/error.js";
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
