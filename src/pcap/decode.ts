import { describeSignature, findSignature } from "../bytes/signature.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { CaptureError } from "../errors/errors.js";
import { copyBatch, type PacketBatch } from "../packet/batch.js";
import { createSource, type PacketSource, type Pull } from "../packet/source.js";
import { createPcapDecoder } from "./classic/decode.js";
import { PCAP_HEADER_LENGTH, PCAP_MAGIC_NS, PCAP_MAGIC_US, PCAP_RELATIVES } from "./classic/format.js";
import type { CaptureDecoder, CaptureWarnings } from "./decoder.js";
import {
  aBytesLike,
  type ByteInput,
  type BytesLike,
  createInput,
  InputBuffer,
  inputWithTurns,
  prefixedInput,
} from "./input.js";
import { SECTION_HEADER } from "./pcapng/format.js";

/** https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const GZIP_MAGIC = 0x1f8b;

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
  return openCapture(createInput(bytes));
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
  let input = inputWithTurns(raw);
  let buffer = new InputBuffer();
  let compressed = false;
  await fillTo(buffer, input, 2);
  if (buffer.available >= 2 && buffer.view.getUint16(buffer.start, false) === GZIP_MAGIC) {
    compressed = true;
    // Loaded on demand, like pcapng: most captures are plain pcap and open faster without.
    const { createGunzip } = await import("./gzip.js");
    input = inputWithTurns(createGunzip(prefixedInput(buffer.unread(), raw)));
    buffer = new InputBuffer();
  }
  await fillTo(buffer, input, PCAP_HEADER_LENGTH);
  const decoder = await createDecoder(buffer);
  const pull = createPull(decoder, buffer, input);
  while (!decoder.begin()) {
    const filled = await input.fill(buffer.room());
    if (filled === 0) break;
    buffer.commit(filled);
  }

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
      const filled = input.fill(buffer.room());
      if (filled instanceof Promise) return pullOn(filled);
      if (filled === 0) return end();
      buffer.commit(filled);
    }
  }
  /** A loop, not a recursion: a chain of promises would grow while no packets arrive. */
  async function pullOn(waiting: Promise<number>): Promise<PacketBatch | undefined> {
    for (let filled = await waiting; filled > 0; ) {
      buffer.commit(filled);
      const batch = decoder.next();
      if (batch !== undefined) return batch;
      const more = input.fill(buffer.room());
      filled = more instanceof Promise ? await more : more;
    }
    return end();
  }
  function end(): undefined {
    decoder.finish();
  }
  return pull;
}

/** Reads until `length` bytes are available or the input ends. */
async function fillTo(buffer: InputBuffer, input: ByteInput, length: number): Promise<void> {
  while (buffer.available < length) {
    const filled = await input.fill(buffer.room());
    if (filled === 0) return;
    buffer.commit(filled);
  }
}

async function createDecoder(buffer: InputBuffer): Promise<CaptureDecoder> {
  if (buffer.available < 4) {
    throw new CaptureError(
      buffer.available === 0 ? "truncated_capture" : "not_a_capture",
      0,
      buffer.available === 0 ? "the capture is empty" : "too short for a capture",
    );
  }
  const bigEndianMagic = buffer.view.getUint32(buffer.start, false);
  if (bigEndianMagic === SECTION_HEADER) {
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
    const relative = PCAP_RELATIVES.get(magic);
    if (relative !== undefined) {
      throw new CaptureError("unsupported_capture", 0, `${relative} is not supported, only pcap and pcapng`);
    }
  }
  const signature = findSignature(buffer.bytes.subarray(buffer.start, buffer.end));
  if (signature !== undefined) {
    throw new CaptureError("not_a_capture", 0, `not a capture but ${describeSignature(signature)}`);
  }
  throw new CaptureError(
    "not_a_capture",
    0,
    `neither pcap nor pcapng: the first bytes are ${bigEndianMagic.toString(16).padStart(8, "0")}`,
  );
}
