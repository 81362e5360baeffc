import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { anIterable } from "../errors/value-checks.js";
import { dispatch, type EventPrinter, type PrintableEvent } from "./format/event-printer.js";
import { createJsonPrinter } from "./format/json-printer.js";
import { FORMAT_OPTIONS, type FormatFlowOptions } from "./format/options.js";
import { type Layout, traitsOf } from "./format/output-format.js";
import type { PrintedText } from "./format/printed.js";
import { createTextPrinter } from "./format/text-printer.js";
import { createCompactWriter, createDictWriter, createTableWriter } from "./format/writer.js";

export { type FormatStatusOptions, formatServerStatus } from "./format/event/server-status.js";
export type { PrintableEvent } from "./format/event-printer.js";
export type { FormatFlowOptions } from "./format/options.js";
export { OUTPUT_FORMATS, type OutputFormat } from "./format/output-format.js";
export type { PrintedText } from "./format/printed.js";
export { TIME_FORMATS, type TimeFormat } from "./format/time.js";

/**
 * Formats one event as `hubble observe` v1.16.2 prints it, without the final line feed. A table includes its heading.
 * Returns "" for events that the options exclude. For several events, {@link createFlowPrinter} is faster and aligns
 * tables.
 *
 * `Jun 16 16:52:13.596: 35.246.31.234:443 (world) <> shop/web:36804 (ID:1299) to-endpoint FORWARDED (TCP Flags: ACK)`
 *
 * @throws OptionsError; TypeError if `event` is not an event.
 * @throws ExportError `unencodable_event` in JSON, for an event that has no JSON form.
 */
export function formatFlow(event: PrintableEvent, options?: FormatFlowOptions): string {
  const printer = options === undefined ? defaultPrinter() : createPrinter("formatFlow", options);
  const { out, err } = printer.write(event);
  const text = out + err + printer.end().out;
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

let sharedPrinter: FlowPrinter | undefined;

/** One printer is enough because lines do not depend on previous ones. */
function defaultPrinter(): FlowPrinter {
  sharedPrinter ??= createPrinter("formatFlow", {});
  return sharedPrinter;
}

/** Prints events as one stream; see {@link createFlowPrinter}. */
export interface FlowPrinter {
  /**
   * Formats the next event, for `out` and for `err`; Hubble reports node status on `err`. A table is buffered: it is
   * only returned when its limit of a million lines or 2²⁸ characters is reached, or when an event with other columns
   * starts a new table.
   *
   * @throws TypeError if `event` is not an event.
   * @throws ExportError `unencodable_event` in JSON, for an event that has no JSON form. The printer remains usable:
   *   skip the event and write the next one.
   */
  write(event: PrintableEvent): PrintedText;
  /** Returns the buffered output: the rest of a table. */
  end(): PrintedText;
}

/**
 * Creates a printer with the output of `hubble observe` v1.16.2: `compact` (one line per event), `dict` (records with
 * separators), `tab` or `table` (columns aligned over the whole stream and therefore buffered until its end), `json` or
 * `jsonpb`. The formats other than JSON never throw for a valid message. Unless `rawControls` is set, strings from a
 * flow can neither start a new line nor send control characters to the terminal.
 *
 * @throws OptionsError
 */
export function createFlowPrinter(options: FormatFlowOptions = {}): FlowPrinter {
  return createPrinter("createFlowPrinter", options);
}

/** Exhaustive: a new layout does not compile until it has a printer. */
const PRINTERS: { readonly [K in Layout]: (options: FormatFlowOptions) => EventPrinter } = {
  lines: (options) => createTextPrinter(options, createCompactWriter),
  records: (options) => createTextPrinter(options, createDictWriter),
  table: (options) => createTextPrinter(options, createTableWriter),
  json: createJsonPrinter,
};

/** @param name The public function that receives the events, for error messages. */
function createPrinter(name: string, options: FormatFlowOptions): FlowPrinter {
  checkOptions(name, options, FORMAT_OPTIONS);
  const printer = PRINTERS[traitsOf(options.output).layout](options);
  return { write: (event) => dispatch(name, event, printer), end: () => printer.end() };
}

/**
 * Prints a stream of events with {@link createFlowPrinter}, skipping events without output. If the stream fails, the
 * rest of a table is yielded before the error is thrown. An event that has no JSON form ends the iteration with an
 * ExportError `unencodable_event`; to skip such events, use {@link createFlowPrinter} and catch the error of `write`.
 *
 * @throws From the call: the errors of {@link createFlowPrinter}, and TypeError if `events` is not iterable. From the
 *   iteration: the errors of the printer and of the stream.
 */
export function formatFlows(
  events: AsyncIterable<PrintableEvent> | Iterable<PrintableEvent>,
  options: FormatFlowOptions = {},
): AsyncGenerator<PrintedText, void, undefined> {
  checkArgument("formatFlows", "events", events, anIterable);
  return printAll(events, createPrinter("formatFlows", options));
}

async function* printAll(
  events: AsyncIterable<PrintableEvent> | Iterable<PrintableEvent>,
  printer: FlowPrinter,
): AsyncGenerator<PrintedText, void, undefined> {
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const event of events) {
      const printed = printer.write(event);
      if (printed.out !== "" || printed.err !== "") yield printed;
    }
  } catch (error) {
    failure = { error };
  }
  const rest = printer.end();
  if (rest.out !== "") yield rest;
  if (failure !== undefined) throw failure.error;
}
