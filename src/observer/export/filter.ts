import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import { MISSING_FLOW } from "../../filter/event.js";
import { FLOW_FILTER_OPTIONS, filterOptionsOf } from "../../filter/filter-options.js";
import {
  compileFlowFilters,
  type EventPredicate,
  type FlowFilterLists,
  type FlowFilterOptions,
} from "../../filter/index.js";
import { type LineScan, lineScanOf } from "../../filter/json-line.js";
import { checkExportInput, createExportInput, type ExportInput } from "./input.js";
import { type LineHandler, READ_OPTIONS, type ReadExportOptions, readExport } from "./read-export.js";

/** Filter lists, or a predicate: one of `compileFlowFilters`, which is fast, or any other function. */
export type ExportFilter = FlowFilterLists | EventPredicate;

/** A filter for lines. */
export interface LineFilter {
  /** The answer for the bytes of a line; undefined if it has to be decoded. */
  readonly scan: LineScan | undefined;
  readonly passes: EventPredicate;
}

/**
 * Compiles a filter for lines.
 *
 * @throws FilterError
 */
export function toLineFilter(filter: ExportFilter, options: FlowFilterOptions): LineFilter {
  const passes = typeof filter === "function" ? filter : compileFlowFilters(filter, filterOptionsOf(options));
  return { scan: lineScanOf(passes), passes };
}

/** The same, but events that are not flows are tested as missing flows, as `hubble observe` does. */
export function withEmptyFlows({ scan, passes }: LineFilter): LineFilter {
  return {
    scan,
    passes: (event) => {
      const isEnvelope = event !== undefined && "responseTypes" in event;
      return passes(
        isEnvelope && event.responseTypes.case === "flow" ? event.responseTypes.value : MISSING_FLOW,
      );
    },
  };
}

export const aFilter: ValueCheck<ExportFilter> = valueCheck(
  "an object with the lists allow and deny, or a function",
  (value) => typeof value === "function" || (typeof value === "object" && value !== null),
);

/** Options for filtering export files. */
export interface FilterExportOptions extends ReadExportOptions, FlowFilterOptions {}

const FILTER_OPTIONS: OptionTable<FilterExportOptions> = { ...READ_OPTIONS, ...FLOW_FILTER_OPTIONS };

/**
 * Yields the lines of an export file whose events match, byte for byte and without the line feed. Accepts the same
 * inputs as `decodeExport`. Lines are answered without parsing them, by `jsonLine` of the filter, so that this is
 * several times faster than decoding.
 *
 * An event in an envelope, a list or a document on several lines is yielded without these, on one line, so that the
 * result is an export file again. Each array belongs to the caller.
 *
 * Bad lines are handled as by `decodeExport`, except that a fault inside a value that no filter reads remains
 * unnoticed. Unknown fields are only reported for lines that had to be decoded.
 *
 * @throws ExportError from the iteration, as `decodeExport`.
 * @throws FilterError, OptionsError, or TypeError for an invalid argument, from the call itself.
 *
 * @example
 * const lines = filterExport(createReadStream("events.log"), { allow: [{ verdict: ["DROPPED"] }] });
 * for await (const line of lines) process.stdout.write(Buffer.concat([line, Buffer.from("\n")]));
 */
export function filterExport(
  input: ExportInput,
  filters: ExportFilter,
  options: FilterExportOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  checkExportInput("filterExport", input);
  checkArgument("filterExport", "filters", filters, aFilter);
  checkOptions("filterExport", options, FILTER_OPTIONS);
  const handler = lineHandler(toLineFilter(filters, options), (line) => line);
  return eachOf(readExport(() => createExportInput(input), options, handler));
}

export async function* eachOf<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T, void, undefined> {
  for await (const batch of batches) yield* batch;
}

/** Yields what `toResult` makes of each matching line. */
export function lineHandler<T extends object>(
  { scan, passes }: LineFilter,
  toResult: (line: Uint8Array) => T,
): LineHandler<T> {
  return {
    onLine:
      scan &&
      ((bytes, start, end) => {
        const matches = scan(bytes, start, end);
        // A copy, because the buffer is reused.
        return matches === true ? toResult(bytes.slice(start, end)) : matches;
      }),
    onEvent: ({ event }, text) => (passes(event) ? toResult(lineOf(text)) : undefined),
  };
}

const utf8 = new TextEncoder();

/** Encodes the JSON of an event on one line. */
function lineOf(text: string): Uint8Array {
  // In JSON these are always white space; strings contain them only in escaped form.
  return utf8.encode(text.includes("\n") ? text.replace(/[\n\r\t]\s*/g, "") : text);
}
