import { isUint8Array } from "../../bytes/is-uint8-array.js";
import { describeSignature, findSignature, SIGNATURE_BYTES } from "../../bytes/signature.js";
import { describeValue } from "../../errors/describe-value.js";
import { hasMethods, isIterable, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import { ExportError } from "./error.js";
import { gunzip } from "./gunzip.js";

type Chunk = Uint8Array | string;

/** The subset of a web stream that is used, so that no DOM types are needed. */
interface ChunkStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Chunk | undefined }>;
    cancel(): Promise<void>;
  };
}

/** Export lines as bytes or strings, complete or in chunks of any size. */
export type ExportInput = Chunk | Iterable<Chunk> | AsyncIterable<Chunk> | ChunkStream;

export const anExportInput: ValueCheck<ExportInput> = valueCheck(
  "a string, a Uint8Array, an iterable of these or a stream",
  (value) =>
    typeof value === "string" || isUint8Array(value) || isIterable(value) || hasMethods(value, ["getReader"]),
);

/** RFC 1952, section 2.3.1. No line of JSON begins with these bytes. */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

const utf8 = new TextEncoder();

/**
 * Yields the bytes of an export file, decompressed if they begin with the gzip magic number.
 *
 * @throws ExportError `malformed_export` for other kinds of files, detected by their first bytes; `malformed_gzip`.
 */
export async function* readChunks(input: ExportInput): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = toBytes(input);
  try {
    const head = await readHead(chunks);
    if (!GZIP_MAGIC.every((byte, index) => head[index] === byte)) {
      refuseOtherFiles(head);
      if (head.length > 0) yield head;
      yield* chunks;
      return;
    }
    const decompressed = gunzip(head, chunks);
    const plain = await readHead(decompressed);
    refuseOtherFiles(plain);
    if (plain.length > 0) yield plain;
    yield* decompressed;
  } finally {
    await chunks.return();
  }
}

/** Returns the first bytes: enough to detect the kind of file unless the input is shorter. */
async function readHead(chunks: AsyncIterator<Uint8Array, void>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < SIGNATURE_BYTES) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head = head.length === 0 ? value : joined(head, value);
    // Copy, as the next chunk may reuse this chunk's memory.
    if (head.length < SIGNATURE_BYTES) head = head.slice();
  }
  return head;
}

function refuseOtherFiles(head: Uint8Array): void {
  const signature = findSignature(head);
  if (signature === undefined) return;
  throw new ExportError("malformed_export", `not export lines but ${describeSignature(signature)}`);
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

async function* toBytes(input: ExportInput): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof input === "string" || isUint8Array(input)) {
    yield bytesOf(input);
  } else if (Symbol.asyncIterator in input || Symbol.iterator in input) {
    for await (const chunk of input) yield bytesOf(chunk);
  } else {
    const reader = input.getReader();
    let ended = false;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        ended = done;
        if (done || value === undefined) return;
        yield bytesOf(value);
      }
    } finally {
      if (!ended) await reader.cancel();
    }
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (isUint8Array(chunk)) return chunk;
  if (typeof chunk === "string") return utf8.encode(chunk);
  throw new TypeError(
    `decodeExport: every chunk of input must be a Uint8Array or a string, not ${describeValue(chunk)}`,
  );
}
