import type { ByteInput } from "../../bytes/byte-input.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FLOW_FILTER_OPTIONS } from "../../filter/filter-options.js";
import type { FlowFilterOptions } from "../../filter/index.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { aFilter, type ExportFilter, eachOf, type LineFilter, toLineFilter } from "./filter.js";
import { checkExportInput, createExportInput, type ExportInput } from "./input.js";
import { READ_OPTIONS, type ReadExportOptions, readExport } from "./read-export.js";

/** Options for decoding export files. */
export interface DecodeExportOptions extends ReadExportOptions, FlowFilterOptions {
  /**
   * Yield only the events that match: filter lists, or a predicate. With lists, or a predicate of `compileFlowFilters`,
   * only lines that match are parsed, see `filterExport`; faults in other lines may remain unnoticed.
   */
  readonly filter?: ExportFilter;
}

const DECODE_OPTIONS: OptionTable<DecodeExportOptions> = {
  ...READ_OPTIONS,
  ...FLOW_FILTER_OPTIONS,
  filter: aFilter,
};

/**
 * Decodes an export file of Hubble or the output of `hubble observe -o jsonpb`: one JSON object per line, plain or
 * gzip. Gzip is detected by its first bytes, and several gzip members are decoded as one.
 *
 * A line with an agent or debug event is an `ExportEvent`; any other line is a `GetFlowsResponse`, which has the same
 * JSON form. A bare `Flow` is wrapped in a `GetFlowsResponse` with the flow's time and node name; older versions of
 * `hubble observe -o json` print bare flows. A line counts as one if it has a field of a flow and no field of an envelope.
 * Events are also decoded from the wrappers of container runtimes and log collectors, from lists, and from documents
 * that span several lines: docs/export-files.md lists the forms. Empty lines, a byte order mark, runs of NUL bytes and
 * a missing line feed at the end are ignored.
 *
 * Field names may be proto names or lowerCamelCase, enums names or numbers, 64-bit integers strings or numbers. Memory
 * is bounded by one chunk of the input and a few lines. Ending the iteration early closes the input.
 *
 * @throws ExportError from the iteration: `malformed_export` with the line, or without a line for other kinds of files,
 *   such as captures and zstd; `malformed_gzip`.
 * @throws OptionsError, or TypeError for an invalid input, from the call itself.
 *
 * @example
 * for await (const event of decodeExport(createReadStream("events.log"))) console.log(event.nodeName);
 */
export function decodeExport(
  input: ExportInput,
  options: DecodeExportOptions = {},
): AsyncGenerator<GetFlowsResponse | ExportEvent, void, undefined> {
  checkExportInput("decodeExport", input);
  checkOptions("decodeExport", options, DECODE_OPTIONS);
  return eachOf(decode(input, options));
}

/** Like {@link decodeExport}, but yields events in non-empty batches, which is faster for many events. */
export function decodeExportBatches(
  input: ExportInput,
  options: DecodeExportOptions = {},
): AsyncGenerator<(GetFlowsResponse | ExportEvent)[], void, undefined> {
  checkExportInput("decodeExportBatches", input);
  checkOptions("decodeExportBatches", options, DECODE_OPTIONS);
  return decode(input, options);
}

function decode(
  input: ExportInput,
  options: DecodeExportOptions,
): AsyncGenerator<(GetFlowsResponse | ExportEvent)[], void, undefined> {
  const { filter } = options;
  const lineFilter = filter && toLineFilter(filter, options);
  return decodeBatches(() => createExportInput(input), options, lineFilter);
}

/**
 * {@link decodeExportBatches} for a byte input, without argument checks. Closes the input.
 *
 * @param open Called when the first batch is requested.
 */
export function decodeBatches(
  open: () => ByteInput,
  options: ReadExportOptions,
  filter?: LineFilter,
): AsyncGenerator<(GetFlowsResponse | ExportEvent)[], void, undefined> {
  const { scan, passes } = filter ?? {};
  return readExport<GetFlowsResponse | ExportEvent>(open, options, {
    // Lines that match are decoded.
    onLine: scan && ((bytes, start, end) => (scan(bytes, start, end) === false ? false : undefined)),
    onEvent: ({ event }) => (passes === undefined || passes(event) ? event : undefined),
  });
}
