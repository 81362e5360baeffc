import type { Registry } from "@bufbuild/protobuf";
import { createTurnDue } from "../../async/event-loop-turns.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { aFunction, aNumberFrom, either, oneOf } from "../../errors/value-checks.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { aRegistry, defaultRegistry } from "../json/registry.js";
import { reportOnce } from "../report-once.js";
import { ExportError } from "./error.js";
import { anExportInput, type ExportInput, readChunks } from "./input.js";
import { type LineFault, LineSplitter } from "./lines.js";
import { ExportReader } from "./reader.js";

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
   * after every event before it; `skip` leaves the line out, and so does a function, which is called with the error.
   *
   * Events come in batches: the function may be called before events of earlier lines of the same chunk are yielded. Use
   * `line` of the error, not the order of the calls, to place it.
   */
  readonly onBadLine?: "throw" | "skip" | ((error: ExportError) => void);
  /**
   * Called once for each unknown field, enum value name and type of extension, at most 101 times. They do not become part
   * of the message; `encodeExportLine` writes them unchanged. Also called for a number in a `google.protobuf.Struct`, `Value`
   * or `ListValue` that is too large for a double: the extension keeps its JSON, and the message has Infinity. As with
   * `onBadLine`, the call may come before earlier events of the same chunk are yielded.
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
 * Decodes an export file of Hubble, or what `hubble observe -o jsonpb` prints: a JSON object per line, gzip or not
 * (recognised by the first bytes; several members count as one).
 *
 * A line is an `ExportEvent` when it holds what only that can, an agent or debug event; otherwise it is a
 * `GetFlowsResponse`, whose JSON is the same. A bare `Flow` (`hubble observe -o json` of old, and every line that has a
 * field of a flow but none of an envelope) is put into a `GetFlowsResponse`, with the flow's time and node name. Events
 * are also found in what container runtimes and log collectors wrap around lines, in lists, and in documents of several
 * lines: docs/export-files.md lists the forms. Empty lines, a byte order mark, holes of NUL bytes and a missing line feed
 * at the end do not matter.
 *
 * Names may be as in the proto or in lowerCamelCase, enums by name or number, 64-bit integers as string or number. Memory
 * is that of one chunk of the input and a few lines. Leaving the iteration early closes the input.
 *
 * @throws ExportError from the iteration: `malformed_export` with the line, or without for files of another kind, such as
 *   captures and zstd; `malformed_gzip`.
 * @throws OptionsError, or TypeError for another input, at the call.
 *
 * @example
 * for await (const event of decodeExport(createReadStream("events.log"))) console.log(event.nodeName);
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
  const reportUnknown = reportOnce<[line: number]>(
    (message, line) => onUnknownField?.({ line, message }),
    (line) => onUnknownField?.({ line, message: "more unknown fields, which are not reported" }),
  );
  let events: (GetFlowsResponse | ExportEvent)[] = [];
  let failure: ExportError | undefined;
  const reader = new ExportReader({
    maxLength: maxLineBytes,
    registry,
    onEvent: ({ event, unknown }, line) => {
      events.push(event);
      for (const note of unknown) reportUnknown(note, line);
    },
    onBadLine: (message, line) => {
      const error = new ExportError("malformed_export", message, line);
      if (onBadLine === "throw") failure ??= error;
      else if (onBadLine !== "skip") onBadLine(error);
    },
  });

  function* takeEvents(): Generator<typeof events, void, undefined> {
    if (events.length > 0) {
      const read = events;
      events = [];
      yield read;
    }
    if (failure !== undefined) throw failure;
  }

  function* readLines(lines: readonly (string | LineFault)[]): Generator<typeof events, void, undefined> {
    for (const line of lines) {
      reader.read(line);
      if (failure !== undefined) break;
    }
    yield* takeEvents();
  }

  for await (const chunk of readChunks(input)) {
    for (const lines of splitter.split(chunk)) {
      yield* readLines(lines);
      // Lines may give no events: nobody else waits for anything then.
      const turn = turnDue();
      if (turn !== undefined) await turn;
    }
  }
  yield* readLines(splitter.end());
  reader.end();
  yield* takeEvents();
}
