import type { Registry } from "@bufbuild/protobuf";
import { createTurnDue } from "../async/event-loop-turns.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction, aNumberFrom, either, oneOf } from "../errors/value-checks.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { ExportError } from "./export-error.js";
import { anExportInput, type ExportInput, readChunks } from "./export-input.js";
import { type LineFault, LineSplitter } from "./export-lines.js";
import { readExportLine } from "./export-read.js";
import { aRegistry, defaultRegistry } from "./json-registry.js";
import { reportOnce } from "./report-once.js";

/** Bytes of a line that is read, the line feed not counted: 16 times what `hubble observe` reads. */
export const MAX_LINE_BYTES: number = 1024 * 1024;

/** A field, the name of an enum value or the type of an extension that is newer than this package, or misspelled. */
export interface UnknownField {
  /** Where it came first, from 1. */
  readonly line: number;
  readonly message: string;
}

/** How export files are read. */
export interface DecodeExportOptions {
  /**
   * What becomes of a line that cannot be read: `throw` (the default) ends the iteration with an {@link ExportError},
   * after every event before it; `skip` leaves the line out, and a function is told and leaves it out, too.
   */
  readonly onBadLine?: "throw" | "skip" | ((error: ExportError) => void);
  /**
   * Called once for each unknown field, enum value name and type of extension, at most 101 times. They do not become part
   * of the message; `encodeExportLine` writes them unchanged.
   */
  readonly onUnknownField?: (field: UnknownField) => void;
  /** A longer line is a bad line, of which nothing is kept in memory; {@link MAX_LINE_BYTES} by default. */
  readonly maxLineBytes?: number;
  /** The types that `extensions` of flows may hold; Hubble's own and the well-known ones by default. */
  readonly registry?: Registry;
}

const DECODE_OPTIONS: OptionTable<DecodeExportOptions> = {
  onBadLine: either((value) => typeof value === "function", aFunction, oneOf("throw", "skip")),
  onUnknownField: aFunction,
  maxLineBytes: aNumberFrom(1),
  registry: aRegistry,
};

/**
 * Reads an export file of Hubble, or what `hubble observe -o jsonpb` prints: a JSON object per line, gzip or not (told
 * apart by the first bytes; several members count as one).
 *
 * A line is an `ExportEvent` when it holds what only that can, an agent or debug event; otherwise it is a
 * `GetFlowsResponse`, whose JSON is the same. A bare `Flow` (`hubble observe -o json` of old, and every line that has a
 * field of a flow but none of an envelope) is put into a `GetFlowsResponse`, with the flow's time and node name. Empty lines, a
 * byte order mark and a missing line feed at the end do not matter.
 *
 * Names may be as in the proto or in lowerCamelCase, enums by name or number, 64-bit numbers as text or number. Memory
 * is that of one line and one chunk of the input. Leaving the iteration early closes the input.
 *
 * @throws ExportError from the iteration: `malformed_export` with the line, `malformed_gzip`.
 * @throws OptionsError, or TypeError for another input, at the call.
 */
export function decodeExport(
  input: ExportInput,
  options: DecodeExportOptions = {},
): AsyncGenerator<GetFlowsResponse | ExportEvent, void, undefined> {
  checkArgument("decodeExport", "input", input, anExportInput);
  checkOptions("decodeExport", options, DECODE_OPTIONS);
  return eachOf(readBatches(input, options));
}

async function* eachOf<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T, void, undefined> {
  for await (const batch of batches) yield* batch;
}

/** {@link decodeExport} in lists of events that came together, none empty: fewer turns for whoever reads many. */
export function decodeExportBatches(
  input: ExportInput,
  options: DecodeExportOptions = {},
): AsyncGenerator<(GetFlowsResponse | ExportEvent)[], void, undefined> {
  checkArgument("decodeExportBatches", "input", input, anExportInput);
  checkOptions("decodeExportBatches", options, DECODE_OPTIONS);
  return readBatches(input, options);
}

async function* readBatches(
  input: ExportInput,
  {
    onBadLine = "throw",
    onUnknownField,
    maxLineBytes = MAX_LINE_BYTES,
    registry = defaultRegistry(),
  }: DecodeExportOptions,
): AsyncGenerator<(GetFlowsResponse | ExportEvent)[], void, undefined> {
  const splitter = new LineSplitter(maxLineBytes);
  const turnDue = createTurnDue();
  let line = 0;
  const reportUnknown = reportOnce<[line: number]>(
    (message, line) => onUnknownField?.({ line, message }),
    (line) => onUnknownField?.({ line, message: "more unknown fields, which are not reported" }),
  );
  let events: (GetFlowsResponse | ExportEvent)[] = [];

  /** Adds the events of some lines; returns the fault that ends the reading. */
  function readLines(lines: readonly (string | LineFault)[]): ExportError | undefined {
    for (const text of lines) {
      line++;
      try {
        if (typeof text !== "string") throw new ExportError("malformed_export", text.fault, line);
        if (text === "" || text.trim() === "") continue;
        const { event, unknown } = readExportLine(text, line, registry);
        events.push(event);
        for (const note of unknown) reportUnknown(note, line);
      } catch (error) {
        if (!(error instanceof ExportError)) throw error;
        if (onBadLine === "throw") return error;
        if (onBadLine !== "skip") onBadLine(error);
      }
    }
    return undefined;
  }

  function* eventsOf(lines: readonly (string | LineFault)[]): Generator<typeof events, void, undefined> {
    const fault = readLines(lines);
    if (events.length > 0) {
      const read = events;
      events = [];
      yield read;
    }
    if (fault !== undefined) throw fault;
  }

  for await (const chunk of readChunks(input)) {
    for (const lines of splitter.split(chunk)) {
      yield* eventsOf(lines);
      // Lines may give no events: nobody else waits for anything then.
      const turn = turnDue();
      if (turn !== undefined) await turn;
    }
  }
  yield* eventsOf(splitter.end());
}
