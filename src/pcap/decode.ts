import { type ByteInput, inputWithTurns } from "../bytes/byte-input.js";
import { createChunkInput, type ReadableStreamLike } from "../bytes/chunk-input.js";
import { decompress, type GzipFault } from "../bytes/decompress.js";
import { isUint8Array } from "../bytes/is-uint8-array.js";
import { describeSignature, findSignature, hexOf, SIGNATURE_BYTES } from "../bytes/signature.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { describeValue } from "../errors/describe-value.js";
import { CaptureError } from "../errors/errors.js";
import { hasMethods, isIterable, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import { copyBatch, type PacketBatch } from "../packet/batch.js";
import type { Pull } from "../packet/source/batch-reader.js";
import { createSource } from "../packet/source/create-source.js";
import type { PacketSource } from "../packet/source.js";
import { createPcapDecoder } from "./classic/decode.js";
import { PCAP_HEADER_LENGTH, PCAP_MAGIC_NS, PCAP_MAGIC_US } from "./classic/format.js";
import type { CaptureDecoder, CaptureWarnings } from "./decoder.js";
import { InputBuffer } from "./input-buffer.js";
import { SECTION_HEADER } from "./pcapng/format.js";

/** The first byte of JSON objects. */
const OPENING_BRACE = 0x7b;

/** Input bytes: a single array, or chunks of any size (including empty ones). */
export type BytesLike = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStreamLike;

const aBytesLike: ValueCheck<BytesLike> = valueCheck(
  "a Uint8Array, an iterable of these or a stream",
  (value) => isUint8Array(value) || isIterable(value) || hasMethods(value, ["getReader"]),
);

/** A source that reads a capture file or stream. */
export interface CaptureSource extends PacketSource {
  readonly fileFormat: "pcap" | "pcapng";
  readonly compressed: boolean;
  /** Running counts, updated while the source is read. */
  readonly warnings: CaptureWarnings;
}

/**
 * Opens a capture in memory or from a stream: pcap or pcapng, with or without gzip, detected by the first bytes. Chunks
 * may have any size. Memory use does not depend on the length: the largest packet or block, the interface descriptions,
 * and about a megabyte.
 *
 * Resolves once the file header is read, for pcapng also the first interface description; a stream need not have
 * delivered a packet. The iteration throws later errors, after every packet before them. `stats().dropped` counts the
 * packets that the capturing program reports as dropped (pcapng).
 *
 * @param options No options exist yet. Unknown keys are rejected, so that they are not silently ignored.
 * @throws CaptureError `not_a_capture`, `unsupported_capture`, `truncated_capture` or `malformed_capture`, with the
 *   byte offset; `malformed_gzip` with the offset in the compressed data; OptionsError; TypeError for other `bytes`.
 */
export async function decodeCapture(
  bytes: BytesLike,
  options: Record<string, never> = {},
): Promise<CaptureSource> {
  checkArgument("decodeCapture", "bytes", bytes, aBytesLike);
  checkOptions("decodeCapture", options, {});
  return openCapture(createChunkInput(bytes, bytesOfChunk));
}

function bytesOfChunk(chunk: unknown): Uint8Array {
  if (isUint8Array(chunk)) return chunk;
  throw new TypeError(
    `decodeCapture: every chunk of bytes must be a Uint8Array, not ${describeValue(chunk)}`,
  );
}

/**
 * {@link decodeCapture} for an input that reads into the decoder's buffer. Disposing of the source closes the input.
 *
 * @param path The file path, for error messages.
 */
export async function openCapture(input: ByteInput, path?: string): Promise<CaptureSource> {
  try {
    return await createCaptureSource(input, path);
  } catch (error) {
    await input.close?.();
    throw located(error, path);
  }
}

function located(error: unknown, path: string | undefined): unknown {
  return error instanceof CaptureError && path !== undefined ? error.inFile(path) : error;
}

async function createCaptureSource(raw: ByteInput, path: string | undefined): Promise<CaptureSource> {
  const { input: plain, compressed } = await decompress(raw, gzipError);
  const input = inputWithTurns(plain);
  const buffer = new InputBuffer();
  await buffer.readUntil(PCAP_HEADER_LENGTH, input);
  const decoder = await createDecoder(buffer);
  const pull = createPull(decoder, buffer, input);
  while (!decoder.begin() && (await buffer.readFrom(input)) > 0);

  function locatedPull(): ReturnType<Pull> {
    try {
      const batch = pull();
      return batch instanceof Promise ? batch.catch(rethrow) : batch;
    } catch (error) {
      return rethrow(error);
    }
  }
  function rethrow(error: unknown): never {
    throw located(error, path);
  }

  const { fileFormat, interfaces, warnings } = decoder;
  const source = createSource({
    interfaces,
    pull: locatedPull,
    copy: copyBatch,
    dropped: () => decoder.dropped,
    close: () => raw.close?.(),
  });
  return Object.assign(source, { fileFormat, compressed, warnings });
}

function createPull(decoder: CaptureDecoder, buffer: InputBuffer, input: ByteInput): Pull {
  function pull(): ReturnType<Pull> {
    for (;;) {
      const batch = decoder.next();
      if (batch !== undefined) return batch;
      const read = buffer.readFrom(input);
      if (read instanceof Promise) return pullOn(read);
      if (read === 0) return end();
    }
  }
  /** A loop, not a recursion: a chain of promises would grow while no packets arrive. */
  async function pullOn(waiting: Promise<number>): Promise<PacketBatch | undefined> {
    for (let read = await waiting; read > 0; ) {
      const batch = decoder.next();
      if (batch !== undefined) return batch;
      const more = buffer.readFrom(input);
      read = more instanceof Promise ? await more : more;
    }
    return end();
  }
  function end(): undefined {
    decoder.finish();
  }
  return pull;
}

function gzipError({ kind, message, offset }: GzipFault): CaptureError {
  return new CaptureError(kind === "truncated" ? "truncated_capture" : "malformed_gzip", offset, message);
}

async function createDecoder(buffer: InputBuffer): Promise<CaptureDecoder> {
  if (buffer.available < 4) {
    throw new CaptureError(
      buffer.available === 0 ? "truncated_capture" : "not_a_capture",
      0,
      buffer.available === 0 ? "the capture is empty" : "too short for a capture",
    );
  }
  if (buffer.view.getUint32(buffer.start, false) === SECTION_HEADER) {
    const { createPcapngDecoder } = await import("./pcapng/decode.js");
    return createPcapngDecoder(buffer);
  }
  for (const littleEndian of [true, false]) {
    const magic = buffer.view.getUint32(buffer.start, littleEndian);
    if (magic === PCAP_MAGIC_US || magic === PCAP_MAGIC_NS) {
      if (buffer.available < PCAP_HEADER_LENGTH) {
        throw new CaptureError("truncated_capture", buffer.available, "the pcap header is not complete");
      }
      return createPcapDecoder(buffer, { littleEndian, resolution: magic === PCAP_MAGIC_US ? "us" : "ns" });
    }
  }
  throw notDecodable(buffer.bytes.subarray(buffer.start, buffer.start + SIGNATURE_BYTES));
}

function notDecodable(head: Uint8Array): CaptureError {
  const signature = findSignature(head);
  if (signature === undefined) {
    const hint = head[0] === OPENING_BRACE ? "; decodeExport reads JSON of Hubble" : "";
    const message = `neither pcap nor pcapng: the first bytes are ${hexOf(head)}${hint}`;
    return new CaptureError("not_a_capture", 0, message);
  }
  return signature.capture === "unsupported"
    ? new CaptureError("unsupported_capture", 0, `${signature.name} is not supported, only pcap and pcapng`)
    : new CaptureError("not_a_capture", 0, `not a capture but ${describeSignature(signature)}`);
}
