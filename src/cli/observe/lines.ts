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

/** A matching line of an export file, or several, for the output format raw. */
export interface RawLine extends GetFlowsResponse {
  /** Without the line feed. */
  readonly line: Uint8Array;
  /** Whole lines, each with its line feed, in place of `line`, which is empty. */
  readonly lines?: Uint8Array;
}

const LF = 0x0a;

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

/**
 * Returns what makes events of chunks of filtered lines: one for a chunk, or one for a line if the selection counts them.
 * Undefined if the selection needs the times of the lines.
 */
export function filteredLines({
  number = 0n,
  since,
  until,
}: ObserveOptions["selection"]): ((chunk: Uint8Array) => InputEvent[]) | undefined {
  if (since !== undefined || until !== undefined) return undefined;
  if (number !== 0n) return splitLines;
  return (lines) => {
    const event: RawLine = { ...rawLine(new Uint8Array(0), undefined), lines };
    return [event];
  };
}

function splitLines(chunk: Uint8Array): RawLine[] {
  const lines: RawLine[] = [];
  for (let at = 0; at < chunk.length; ) {
    const end = chunk.indexOf(LF, at);
    // A copy: with --last, few lines of a chunk may be held for long.
    lines.push(rawLine(chunk.slice(at, end), undefined));
    at = end + 1;
  }
  return lines;
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
    // A chunk is alone in its batch.
    const full = stdout.write(lines[0]?.lines ?? joinLines(lines.map(({ line }) => line)));
    if (full !== undefined) await full;
  }
}
