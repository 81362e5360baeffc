// A worker thread of filterFiles: answers one part at a time.
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { fromBinary } from "@bufbuild/protobuf";
import { FlowFilterSchema } from "../../gen/flow/flow_pb.js";
import { ExportError } from "../../observer/export/error.js";
import { lineHandler, toLineFilter, withEmptyFlows } from "../../observer/export/filter.js";
import { createExportInput } from "../../observer/export/input.js";
import { joinLines } from "../../observer/export/join-lines.js";
import { readExport } from "../../observer/export/read-export.js";
import { filterPlainLines, type PlainLines } from "./plain-lines.js";
import type { FromWorker, Part, ToWorker, WorkerSettings } from "./protocol.js";

const LF = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Size of the blocks of a part that is read in order. */
const BLOCK_BYTES = 256 * 1024;

/** What is read at once of a line that goes beyond its part. */
const TAIL_BYTES = 16 * 1024;

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");

// `filterFiles` creates the worker with these settings.
const { allow, deny, maxLineBytes, stopsAtBadLine, filterOptions, othersAreEmptyFlows } =
  workerData as WorkerSettings;
const decode = (filters: readonly Uint8Array[]) =>
  filters.map((filter) => fromBinary(FlowFilterSchema, filter));
const compiled = toLineFilter({ allow: decode(allow), deny: decode(deny) }, filterOptions);
const filter = othersAreEmptyFlows ? withEmptyFlows(compiled) : compiled;

let goOn: (() => void) | undefined;

port.on("message", (message: ToWorker) => {
  if (message.kind === "more") goOn?.();
  else void answer(message.part);
});

function send(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, [...transfer]);
}

async function answer(part: Part): Promise<void> {
  try {
    const lines = part.whole ? undefined : readPlainLines(part);
    if (lines === undefined) await readInOrder(part);
    else send(lines, [lines.bytes.buffer]);
  } catch (error) {
    if (error instanceof TruncatedFile) send({ kind: "truncated", offset: error.offset });
    else if (!(error instanceof ExportError)) send({ kind: "failed", error });
    else if (error.line === undefined) send({ kind: "refused", code: error.code, fault: error.fault });
    else {
      sendBadLine(error);
      send({ kind: "end" });
    }
  }
}

function sendBadLine({ line, fault }: ExportError): void {
  send({ kind: "badLine", line, fault });
}

/** A file has become shorter than it was when it was opened. */
class TruncatedFile extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super("truncated");
    this.offset = offset;
  }
}

/** Reused from part to part. */
let buffer = new Uint8Array(0);

/** The message for the lines that start within a part. Returns undefined if they are not plain events. */
function readPlainLines(part: Part): (FromWorker & PlainLines) | undefined {
  const { path, descriptor: shared, start, end, size } = part;
  const descriptor = shared ?? openSync(path, "r");
  try {
    // The byte before the part says whether a line starts with it.
    const from = Math.max(start - 1, 0);
    reserve(end - from + TAIL_BYTES + 1);
    let length = fill(descriptor, 0, from, end - from);
    let atEnd = length < end - from;
    let lineStart = 0;
    if (start === 0) lineStart = startsWithMark(length) ? BYTE_ORDER_MARK.length : 0;
    else {
      const feed = buffer.subarray(0, length).indexOf(LF);
      lineStart = feed < 0 ? length : feed + 1;
    }
    // The last line may go beyond the part.
    let feed = !atEnd && buffer[length - 1] !== LF && lineStart < length ? -1 : length;
    while (feed < 0) {
      if (length > end - from + maxLineBytes) return undefined;
      const more = fill(descriptor, length, from + length, TAIL_BYTES);
      const found = buffer.subarray(length, length + more).indexOf(LF);
      feed = found < 0 ? -1 : length + found;
      length += more;
      if (more === 0) {
        atEnd = true;
        feed = length;
      }
    }
    const isTruncated = atEnd && from + length < size;
    // The line at which a file was cut is not one of its lines.
    const linesEnd = isTruncated ? buffer.subarray(0, length).lastIndexOf(LF) + 1 : feed;
    const lines = filterPlainLines(buffer, lineStart, linesEnd, filter, maxLineBytes);
    return (
      lines && {
        kind: "lines",
        ...lines,
        truncatedAt: isTruncated ? Math.max(from + length, start) : undefined,
      }
    );
  } finally {
    if (shared === undefined) closeSync(descriptor);
  }
}

function startsWithMark(length: number): boolean {
  return length >= BYTE_ORDER_MARK.length && BYTE_ORDER_MARK.every((byte, index) => buffer[index] === byte);
}

/** Makes the buffer larger, if it has to be. Keeps its first bytes. */
function reserve(length: number, kept = 0): void {
  if (length <= buffer.length) return;
  const larger = new Uint8Array(Math.max(length, 2 * buffer.length));
  larger.set(buffer.subarray(0, kept));
  buffer = larger;
}

/** Reads from a file into the buffer, from `at` on. Returns the number of bytes: fewer than wanted at the end of the file. */
function fill(descriptor: number, at: number, from: number, wanted: number): number {
  // A byte more, for the line feed that may be missing.
  reserve(at + wanted + 1, at);
  let read = 0;
  while (read < wanted) {
    const bytes = readSync(descriptor, buffer, at + read, wanted - read, from + read);
    if (bytes === 0) break;
    read += bytes;
  }
  return read;
}

async function readInOrder(part: Part): Promise<void> {
  send({ kind: "inOrder" });
  const blocks = blocksOf(part, await lineStartAt(part));
  const handler = lineHandler(filter, (line) => line);
  const onBadLine = stopsAtBadLine ? "throw" : sendBadLine;
  for await (const lines of readExport(
    () => createExportInput(blocks),
    { onBadLine, maxLineBytes },
    handler,
  )) {
    const bytes = joinLines(lines);
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    send({ kind: "block", bytes, matched: lines.length }, [bytes.buffer]);
    await mayGoOn;
  }
  send({ kind: "end" });
}

/** The file from an offset on. */
function blocksOf(
  { path, descriptor, size }: Part,
  start: number,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (descriptor !== undefined) return readBlocks(descriptor, start, size);
  return createReadStream(path, { start, highWaterMark: BLOCK_BYTES });
}

/** A stream would close the descriptor, which belongs to all threads. */
function* readBlocks(
  descriptor: number,
  start: number,
  size: number,
): Generator<Uint8Array, void, undefined> {
  for (let at = start; ; ) {
    const block = new Uint8Array(BLOCK_BYTES);
    const length = readSync(descriptor, block, 0, block.length, at);
    if (length === 0) {
      if (at < size) throw new TruncatedFile(at);
      return;
    }
    yield block.subarray(0, length);
    at += length;
  }
}

/** The offset of the first line that starts in a part or behind it. */
async function lineStartAt(part: Part): Promise<number> {
  if (part.start === 0) return 0;
  let at = part.start - 1;
  for await (const block of blocksOf(part, at)) {
    const feed = block.indexOf(LF);
    if (feed >= 0) return at + feed + 1;
    at += block.length;
  }
  return at;
}
