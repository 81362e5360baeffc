import type { FlowFilterLists } from "../../filter/index.js";
import { compileFlowFilters } from "../../filter/index.js";
import { lineScanOf } from "../../filter/json-line.js";
import type { GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { decodeBatches } from "../../observer/export/decode.js";
import type { LineFilter } from "../../observer/export/filter.js";
import { lineHandler, withEmptyFlows } from "../../observer/export/filter.js";
import { joinLines } from "../../observer/export/join-lines.js";
import { readExport } from "../../observer/export/read-export.js";
import type { EventReader, InputEvent } from "../input/events.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import type { ObserveOptions } from "./options.js";

/** A matching line of an export file, for the output format raw. */
export interface RawLine extends GetFlowsResponse {
  readonly line: Uint8Array;
}

/**
 * Reads the events of export lines that pass the filters. Only their lines are parsed, except with `--strict-input`,
 * which reports every damaged line.
 *
 * @throws FilterError
 */
export function filteringReader({ hubble, selection, strictInput, explain }: ObserveOptions): EventReader {
  const { allow = [], deny = [] } = selection;
  if (strictInput || explain || allow.length + deny.length === 0) return decodeBatches;
  const { scan } = toLineFilter({ allow, deny }, hubble);
  // The selection applies the filters to what is left.
  return (open, options) => decodeBatches(open, options, { scan, passes: () => true });
}

/**
 * Like {@link filteringReader}, but reads each event as a {@link RawLine}, which has its time if the selection needs it.
 * The filters have been applied.
 *
 * @throws FilterError
 */
export function rawLineReader({ hubble, selection, strictInput }: ObserveOptions): EventReader {
  const { allow = [], deny = [], since, until } = selection;
  const filter = toLineFilter({ allow, deny }, hubble);
  const { onLine, onEvent } = lineHandler(filter, (line) => rawLine(line, undefined));
  const needsTime = since !== undefined || until !== undefined;
  if (!strictInput && !needsTime) return (open, options) => readExport(open, options, { onLine, onEvent });
  const { scan } = filter;
  const isOut = scan && ((...line: Parameters<typeof scan>) => (scan(...line) === false ? false : undefined));
  return (open, options) =>
    readExport<InputEvent>(open, options, {
      onLine: strictInput ? undefined : isOut,
      onEvent: (reading, text) => {
        const result = onEvent(reading, text);
        return result && rawLine(result.line, reading.event.time);
      },
    });
}

function rawLine(line: Uint8Array, time: InputEvent["time"]): RawLine {
  return {
    $typeName: "observer.GetFlowsResponse",
    responseTypes: { case: undefined },
    nodeName: "",
    ...(time && { time }),
    line,
  };
}

/** As the selection tests events. */
function toLineFilter(lists: FlowFilterLists, hubble: ObserveOptions["hubble"]): LineFilter {
  const passes = compileFlowFilters(lists, { hubble });
  return withEmptyFlows({ scan: lineScanOf(passes), passes });
}

/** Prints the lines of batches to standard output as they are, all of a batch at once. Waits while the output is full. */
export async function printLines(
  batches: AsyncIterable<readonly InputEvent[]>,
  { stdout }: Pick<Io, "stdout">,
  messages: Messages,
): Promise<void> {
  for await (const batch of batches) {
    // The reader of export lines yields nothing else.
    const lines = batch as readonly RawLine[];
    if (stdout.isTerminal) messages.clearStatus();
    const full = stdout.write(joinLines(lines.map(({ line }) => line)));
    if (full !== undefined) await full;
  }
}
