import type { Registry } from "@bufbuild/protobuf";
import { createTurnDue } from "../../async/event-loop-turns.js";
import type { ByteInput } from "../../bytes/byte-input.js";
import type { OptionTable } from "../../errors/check-options.js";
import { aFunction, aNumberFrom, either, oneOf } from "../../errors/value-checks.js";
import { aRegistry, defaultRegistry } from "../../message/json/registry.js";
import { reportOnce } from "../report-once.js";
import { ExportError } from "./error.js";
import { openLines } from "./input.js";
import { type LineFault, LineSplitter, type LineVisitor } from "./lines.js";
import type { EventReading } from "./read.js";
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

/** Options for reading export files. */
export interface ReadExportOptions {
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

export const READ_OPTIONS: OptionTable<ReadExportOptions> = {
  onBadLine: either((value) => typeof value === "function", aFunction, oneOf("throw", "skip")),
  onUnknownField: aFunction,
  maxLineBytes: aNumberFrom(1),
  registry: aRegistry,
};

/** What is yielded for the lines of an export file. */
export interface LineHandler<T> {
  /**
   * Receives a line as bytes, before it is decoded. Returns what to yield, `false` to leave the line out, or undefined
   * if it has to be decoded. The bytes are only valid during the call. Absent if all lines are decoded.
   */
  readonly onLine: ((bytes: Uint8Array, start: number, end: number) => T | false | undefined) | undefined;
  /**
   * Receives a decoded event and its JSON, without envelopes. Returns what to yield, or undefined to leave the event
   * out.
   */
  onEvent(reading: EventReading, text: string): T | undefined;
}

/** Size of the buffer that bytes are read into; the reader holds at most one line more. */
const READ_BYTES = 256 * 1024;

const OPEN_OBJECT = 0x7b;

/**
 * Reads an export file and yields what the handler makes of its lines, in non-empty batches. Closes the input.
 *
 * @param open Called when the first batch is requested.
 */
export async function* readExport<T>(
  open: () => ByteInput,
  {
    onBadLine = "throw",
    onUnknownField,
    maxLineBytes = MAX_LINE_BYTES,
    registry = defaultRegistry(),
  }: ReadExportOptions,
  { onLine, onEvent }: LineHandler<T>,
): AsyncGenerator<T[], void, undefined> {
  const splitter = new LineSplitter(maxLineBytes);
  const turnDue = createTurnDue();
  const reportUnknown = reportOnce<[line: number]>(
    (message, line) => onUnknownField?.({ line, message }),
    (line) => onUnknownField?.({ line, message: "more unknown fields, which are not reported" }),
  );
  let results: T[] = [];
  let failure: ExportError | undefined;
  const reader = new ExportReader({
    maxLength: maxLineBytes,
    registry,
    onEvent: (reading, line, text) => {
      const result = onEvent(reading, text);
      if (result === undefined) return;
      results.push(result);
      for (const note of reading.unknown) reportUnknown(note, line);
    },
    onBadLine: (message, line) => {
      const error = new ExportError("malformed_export", message, line);
      if (onBadLine === "throw") failure ??= error;
      else if (onBadLine !== "skip") onBadLine(error);
    },
  });

  function* flush(): Generator<T[], void, undefined> {
    if (results.length > 0) {
      const read = results;
      results = [];
      yield read;
    }
    if (failure !== undefined) throw failure;
  }

  function readLine(line: string | LineFault): boolean {
    reader.read(line);
    return failure === undefined;
  }

  const visitor: LineVisitor | undefined = onLine && {
    skip(bytes, start, end) {
      if (bytes[start] !== OPEN_OBJECT || !reader.canSkip) return false;
      const result = onLine(bytes, start, end);
      if (result === undefined) return false;
      reader.skip();
      if (result !== false) results.push(result);
      return true;
    },
    read: readLine,
  };

  /** Reads the lines that end in a chunk. Yields now and then. */
  function* readLines(chunk: Uint8Array): Generator<void, void, undefined> {
    if (visitor !== undefined) return yield* splitter.visit(chunk, visitor);
    for (const lines of splitter.split(chunk)) {
      for (const line of lines) if (!readLine(line)) return;
      yield;
    }
  }

  const raw = open();
  try {
    const input = await openLines(raw);
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const length = await input.readInto(buffer);
      if (length === 0) break;
      for (const _ of readLines(buffer.subarray(0, length))) {
        yield* flush();
        // Yield to the event loop: if no line contains an event, nothing else here does.
        const turn = turnDue();
        if (turn !== undefined) await turn;
      }
      yield* flush();
    }
    if (visitor !== undefined) splitter.visitEnd(visitor);
    else for (const line of splitter.end()) readLine(line);
    yield* flush();
    reader.end();
    yield* flush();
  } finally {
    await raw.close?.();
  }
}
