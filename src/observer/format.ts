import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { anIterable } from "../errors/value-checks.js";
import { dispatch, type PrintableEvent } from "./format/event-printer.js";
import { createJsonPrinter } from "./format/json-printer.js";
import { FORMAT_OPTIONS, type FormatFlowOptions } from "./format/options.js";
import type { PrintedText } from "./format/printed.js";
import { createTextPrinter } from "./format/text-printer.js";

export type { PrintableEvent } from "./format/event-printer.js";
export { type FormatFlowOptions, OUTPUT_FORMATS, type OutputFormat } from "./format/options.js";
export type { PrintedText } from "./format/printed.js";
export { type FormatStatusOptions, formatServerStatus } from "./format/server-status.js";
export { TIME_FORMATS, type TimeFormat } from "./format/time.js";

/**
 * One event as `hubble observe` v1.16.2 prints it, without the end of the (last) line; a table has its heading. Empty for what
 * the options leave out. For more than one event {@link createFlowPrinter} is quicker, and aligns tables.
 *
 * `Jun 16 16:52:13.596: 35.246.31.234:443 (world) <> shop/web:36804 (ID:1299) to-endpoint FORWARDED (TCP Flags: ACK, PSH)`
 *
 * @throws OptionsError; TypeError for what is not an event.
 * @throws FlowscribeError in JSON, for an event that has no JSON form.
 */
export function formatFlow(event: PrintableEvent, options?: FormatFlowOptions): string {
  const printer = options === undefined ? defaultPrinter() : createPrinter("formatFlow", options);
  const { out, err } = printer.write(event);
  const text = out + err + printer.end().out;
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

let sharedPrinter: FlowPrinter | undefined;

/** Lines do not depend on those before, so that one printer does for all of them. */
function defaultPrinter(): FlowPrinter {
  sharedPrinter ??= createPrinter("formatFlow", {});
  return sharedPrinter;
}

/** Prints events one after another, as one stream; see {@link createFlowPrinter}. */
export interface FlowPrinter {
  /**
   * The text of one more event, for `out` and for `err`, where Hubble writes about nodes. Of a table there is only text when its
   * limit of a million lines or 2²⁸ characters is reached, or when another kind of event begins another table.
   *
   * @throws ExportError `unencodable_event` in JSON, for an event that has no JSON form. The printer stays usable: leave the
   *   event out and write the next one.
   */
  write(event: PrintableEvent): PrintedText;
  /** The text that was held back: a table. */
  end(): PrintedText;
}

/**
 * Prints as `hubble observe` v1.16.2 does: `compact` (a line each), `dict` (records with separators), `tab` or `table` (aligned
 * over the whole stream, hence held back until its end), `json` or `jsonpb`. Never throws for a message in the forms for people,
 * and, unless `rawControls` is set, never lets a text from a flow start a line or reach the terminal as a control.
 *
 * @throws OptionsError
 */
export function createFlowPrinter(options: FormatFlowOptions = {}): FlowPrinter {
  return createPrinter("createFlowPrinter", options);
}

/** @param name The function that the caller calls with an event, for messages. */
function createPrinter(name: string, options: FormatFlowOptions): FlowPrinter {
  checkOptions(name, options, FORMAT_OPTIONS);
  const { output = "compact" } = options;
  const isJson = output === "json" || output === "jsonpb";
  const printer = isJson ? createJsonPrinter(options) : createTextPrinter(options);
  return { write: (event) => dispatch(name, event, printer), end: () => printer.end() };
}

/**
 * Prints a stream of events with {@link createFlowPrinter}; what has no text is passed over. If the stream fails, the rest of
 * a table is yielded before the error is thrown. An event that has no JSON form ends the iteration with an ExportError
 * `unencodable_event`; to leave such events out, use {@link createFlowPrinter} and catch the error of its `write`.
 *
 * @throws What {@link createFlowPrinter} throws, at the call; from the iteration what its printer and the stream throw.
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
