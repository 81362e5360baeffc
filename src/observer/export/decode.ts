import type { Registry } from "@bufbuild/protobuf";
import { createTurnDue } from "../../async/event-loop-turns.js";
import type { ByteInput } from "../../bytes/byte-input.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { aFunction, aNumberFrom, either, oneOf } from "../../errors/value-checks.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { aRegistry, defaultRegistry } from "../../message/json/registry.js";
import { reportOnce } from "../report-once.js";
import { ExportError } from "./error.js";
import { checkExportInput, createExportInput, type ExportInput, openLines } from "./input.js";
import { type LineFault, LineSplitter } from "./lines.js";
import { ExportReader } from "./reader.js";

/**
 * The default limit for the length of a line, in bytes without the line feed: 16 times the limit of `hubble observe`.
 */
export const MAX_LINE_BYTES: number = 1024 * 1024;

/** A field, enum value name or extension type that is newer than this package, or misspelled. */
export interface UnknownField {
  /** The line of its first occurrence, from 1. */
  readonly line: number;
  readonly message: string;
}

/** Options for decoding export files. */
export interface DecodeExportOptions {
  /**
   * How to handle a line that cannot be decoded: `throw` (the default) ends the iteration with an {@link ExportError}
   * after yielding all earlier events; `skip` ignores the line; a function is called with the error and the line is
   * ignored.
   *
   * Events are yielded in batches, so the function may be called before events of earlier lines of the same chunk are
   * yielded. Use the error's `line`, not the order of the calls, to locate the fault.
   */
  readonly onBadLine?: "throw" | "skip" | ((error: ExportError) => void);
  /**
   * Called once for each unknown field, enum value name and extension type, at most 101 times. Unknown values are not
   * part of the message; `encodeExportLine` writes them unchanged. Also called for a number in a
   * `google.protobuf.Struct`, `Value` or `ListValue` that is too large for a double: the extension keeps its JSON, and
   * the message contains Infinity. As with `onBadLine`, the call may come before earlier events of the same chunk are
   * yielded.
   */
  readonly onUnknownField?: (field: UnknownField) => void;
  /**
   * The maximum length of a line in bytes; {@link MAX_LINE_BYTES} by default. Longer lines count as bad lines and are
   * not held in memory.
   */
  readonly maxLineBytes?: number;
  /** The types of messages in the `extensions` of flows; Hubble's own and the well-known types by default. */
  readonly registry?: Registry;
}

const DECODE_OPTIONS: OptionTable<DecodeExportOptions> = {
  onBadLine: either((value) => typeof value === "function", aFunction, oneOf("throw", "skip")),
  onUnknownField: aFunction,
  maxLineBytes: aNumberFrom(1),
  registry: aRegistry,
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
  return eachOf(decodeBatches(() => createExportInput(input), options));
}

async function* eachOf<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T, void, undefined> {
  for await (const batch of batches) yield* batch;
}

/** Like {@link decodeExport}, but yields events in non-empty batches, which is faster for many events. */
export function decodeExportBatches(
  input: ExportInput,
  options: DecodeExportOptions = {},
): AsyncGenerator<(GetFlowsResponse | ExportEvent)[], void, undefined> {
  checkExportInput("decodeExportBatches", input);
  checkOptions("decodeExportBatches", options, DECODE_OPTIONS);
  return decodeBatches(() => createExportInput(input), options);
}

/** Size of the buffer that bytes are read into; the decoder holds at most one line more. */
const READ_BYTES = 256 * 1024;

/**
 * {@link decodeExportBatches} for a byte input, without argument checks. Closes the input.
 *
 * @param open Called when the first batch is requested.
 */
export async function* decodeBatches(
  open: () => ByteInput,
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

  function* flushEvents(): Generator<typeof events, void, undefined> {
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
    yield* flushEvents();
  }

  const raw = open();
  try {
    const input = await openLines(raw);
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const length = await input.readInto(buffer);
      if (length === 0) break;
      for (const lines of splitter.split(buffer.subarray(0, length))) {
        yield* readLines(lines);
        // Yield to the event loop: if no line contains an event, nothing else here does.
        const turn = turnDue();
        if (turn !== undefined) await turn;
      }
    }
    yield* readLines(splitter.end());
    reader.end();
    yield* flushEvents();
  } finally {
    await raw.close?.();
  }
}
