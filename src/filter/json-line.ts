import { DETACHED, isAttached } from "../bytes/is-attached.js";
import { checkArgument } from "../errors/check-argument.js";
import { anInteger, aUint8Array } from "../errors/value-checks.js";
import { fieldTree } from "../message/field-tree.js";
import { ExportLineError } from "../message/json/line/line-error.js";
import { LineScanner } from "../message/json/line/line-scanner.js";
import { readLine } from "../message/json/line/read-line.js";
import type { FlowEnvelope, FlowEvent } from "./event.js";

/** Answers for an export line without parsing all of it. */
export interface JsonLinePredicate {
  /**
   * Whether the event of an export line matches: a line as Hubble's exporter and `hubble observe -o jsonpb` write it, or
   * a bare flow. Only the fields that the filters read are decoded, so that most of the line is skipped; the result is
   * the same as for the decoded event. Lines are decoded as a whole for filters that read whole flows, as CEL expressions
   * may, and lines with other events than flows.
   *
   * A fault inside a value that no filter reads remains unnoticed.
   *
   * @param line The bytes; they are not kept. A line feed at the end is accepted.
   * @param start Where the line starts in `line`; 0 by default.
   * @param end Where it ends; the length of `line` by default. Nothing at or behind `end` is read.
   * @throws ExportLineError `malformed_export`, with the offset of the fault from `start`, for anything else, also for
   *   events in the envelopes of log collectors, which `filterExport` of flowscribe/observer accepts.
   * @throws TypeError for invalid arguments, and for a buffer that was transferred to another thread.
   *
   * @example
   * const dropped = compileFlowFilter({ verdict: ["DROPPED"] });
   * dropped.jsonLine(new TextEncoder().encode('{"flow":{"verdict":"DROPPED"}}')); // true
   */
  jsonLine(line: Uint8Array, start?: number, end?: number): boolean;
}

/** Whether an event, or the event in an envelope, matches. */
export type EventPredicate = (event: FlowEvent | FlowEnvelope) => boolean;

/** The answer for a line, or `undefined` for one that has to be decoded as a whole or is damaged. */
export type LineScan = (line: Uint8Array, start: number, end: number) => boolean | undefined;

const scans = new WeakMap<EventPredicate, () => LineScan | undefined>();

const anOffset = anInteger(0);

/**
 * Adds `jsonLine` to a predicate.
 *
 * @param reads The fields of a flow that the predicate reads, as proto field paths.
 */
export function withJsonLine<P extends EventPredicate>(
  predicate: P,
  reads: Iterable<string>,
): P & JsonLinePredicate {
  let scanner: LineScanner | undefined;
  // Tables are only needed by callers with lines.
  let isPlanned = false;

  function plan(): LineScanner | undefined {
    if (!isPlanned) {
      const tree = fieldTree([...reads]);
      // For a predicate that reads everything, parsing is faster.
      if (tree !== true) scanner = new LineScanner(tree);
      isPlanned = true;
    }
    return scanner;
  }

  function jsonLine(line: Uint8Array, start = 0, end: number = line?.length): boolean {
    if (!(line instanceof Uint8Array)) checkArgument("jsonLine", "line", line, aUint8Array);
    const isRange = Number.isInteger(start) && start >= 0 && start <= end && end <= line.length;
    if (!isRange || !Number.isInteger(end) || !isAttached(line)) checkRange(line, start, end);
    const scanning = isPlanned ? scanner : plan();
    if (scanning?.read(line, start, end) === true) return predicate(scanning.flow);
    const event = readLine(line.subarray(start, end));
    // The reader returns the two envelopes and flows only.
    if (typeof event === "object") return predicate(event as FlowEnvelope);
    throw new ExportLineError(event, (scanning?.stoppedAt ?? start) - start);
  }

  scans.set(predicate, () => {
    const scanning = plan();
    if (scanning === undefined) return undefined;
    return (line, start, end) => (scanning.read(line, start, end) ? predicate(scanning.flow) : undefined);
  });
  return Object.assign(predicate, { jsonLine });
}

/** The scan of a compiled filter; undefined for one that reads whole flows, and for another function. */
export function lineScanOf(predicate: EventPredicate): LineScan | undefined {
  return scans.get(predicate)?.();
}

function checkRange(line: Uint8Array, start: number, end: number): never {
  checkArgument("jsonLine", "start", start, anOffset);
  checkArgument("jsonLine", "end", end, anOffset);
  if (!isAttached(line)) throw new TypeError(`jsonLine: line ${DETACHED}`);
  const range = end > line.length ? `the length of line, ${line.length}` : `end, ${end}`;
  throw new TypeError(`jsonLine: ${end > line.length ? "end" : "start"} must not be above ${range}`);
}
