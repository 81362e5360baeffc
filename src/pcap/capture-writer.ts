import type { PacketBatch, PacketFormat } from "../packet/batch.js";
import { LINKTYPE_ETHERNET, MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import { isEmptyBatch } from "../packet/side-blocks.js";
import type { CaptureInterface, SourceStats } from "../packet/source.js";
import type { CaptureEncoder } from "./encoder.js";

const NO_BYTES = new Uint8Array(0);

/**
 * Produces the bytes of one capture file and decides when its header is written, once: in {@link begin} if the
 * interfaces determine it, otherwise with the first packet, or at the end of a capture without packets. The caller writes
 * what the methods return, in order; each result may be empty and is only valid until the next call.
 */
export class CaptureWriter {
  readonly #encoder: CaptureEncoder;
  readonly #interfaces: readonly CaptureInterface[];
  #hasBegun = false;
  /** Length of the file header at the start of the last result. */
  #headerLength = 0;

  /** @param interfaces The interfaces of the source; the list may grow. */
  constructor(encoder: CaptureEncoder, interfaces: readonly CaptureInterface[]) {
    this.#encoder = encoder;
    this.#interfaces = interfaces;
  }

  /**
   * Returns the file header if the packets to come cannot change it: there are interfaces, and all have the same link
   * type. A reader of the file then need not wait for the first packet.
   */
  begin(): Uint8Array {
    const [first, ...others] = this.#interfaces;
    if (first === undefined || others.some(({ linkType }) => linkType !== first.linkType)) return NO_BYTES;
    return this.#header(undefined);
  }

  encode(batch: PacketBatch): Uint8Array {
    if (isEmptyBatch(batch)) return this.#withHeader(batch.format, () => NO_BYTES);
    if (batch.length > 0) return this.#withHeader(batch.format, () => this.#encoder.encode(batch));
    // Only side blocks. The header of a pcap file depends on the first packet.
    if (!this.#encoder.hasSideBlocks) return NO_BYTES;
    return this.#withHeader(undefined, () => this.#encoder.encode(batch));
  }

  /**
   * Returns the bytes after the last packet.
   *
   * @param stats Totals of the source; undefined to omit statistics: the recording failed or continues in another file.
   */
  end(stats: SourceStats | undefined): Uint8Array {
    return this.#withHeader(undefined, () => (stats === undefined ? NO_BYTES : this.#encoder.end(stats)));
  }

  /** Upper bound of the bytes still to be written besides packets and the file header. */
  get pendingBytes(): number {
    return this.#encoder.pendingBytes();
  }

  /** Maximum number of bytes that a packet takes in the file. */
  packetBytes(batch: PacketBatch, index: number): number {
    return this.#encoder.packetBytes(batch, index);
  }

  /**
   * How many of the first `length` bytes of the last result to keep: complete records, and a complete file header before
   * them.
   */
  wholeRecords(chunk: Uint8Array, length: number): number {
    const header = this.#headerLength;
    if (length < header) return 0;
    return header + this.#encoder.wholeRecords(chunk.subarray(header), length - header);
  }

  /** Returns the file header, or nothing if it was returned before. */
  #header(format: PacketFormat | undefined): Uint8Array {
    this.#headerLength = 0;
    if (this.#hasBegun) return NO_BYTES;
    this.#hasBegun = true;
    // A copy, as the encoder may reuse its memory.
    const header = this.#encoder.begin(interfaceOf(this.#interfaces, format)).slice();
    this.#headerLength = header.length;
    return header;
  }

  #withHeader(format: PacketFormat | undefined, encode: () => Uint8Array): Uint8Array {
    const header = this.#header(format);
    const rest = encode();
    if (header.length === 0) return rest;
    const bytes = new Uint8Array(header.length + rest.length);
    bytes.set(header);
    bytes.set(rest, header.length);
    return bytes;
  }
}

/** Used for a capture without interfaces. */
const NO_INTERFACE: CaptureInterface = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: MAX_CAPTURED_LENGTH,
};

/** The interface to write a file header from; `format` is that of the first packet, if there is one. */
function interfaceOf(
  interfaces: readonly CaptureInterface[],
  format: PacketFormat | undefined,
): CaptureInterface {
  if (format === undefined) return interfaces[0] ?? NO_INTERFACE;
  return interfaces[format.interfaceId] ?? format;
}
