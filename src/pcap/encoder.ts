import type { PacketBatch, PacketFormat } from "../packet/batch.js";
import { LINKTYPE_ETHERNET, MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import {
  borrowBatches,
  type CaptureInterface,
  type PacketSource,
  type SourceStats,
} from "../packet/source.js";

/** Turns batches into the bytes of one capture file. Everything it returns is valid until the next call only. */
export interface CaptureEncoder {
  /** What stands before the first packet. Called once. */
  begin(first: CaptureInterface): Uint8Array;
  encode(batch: PacketBatch): Uint8Array;
  /** What stands behind the last packet. */
  end(stats: SourceStats): Uint8Array;
  /**
   * Bytes besides packets that are still to be written: descriptions of interfaces that have been added, and at most what
   * {@link end} returns.
   */
  pendingBytes(): number;
  /**
   * How many of the first `length` bytes of an encoded chunk are whole records: where a file can be cut after a write
   * that failed.
   */
  wholeRecords(chunk: Uint8Array, length: number): number;
}

/** What a capture without any interface is taken for. */
const NO_INTERFACE: CaptureInterface = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: MAX_CAPTURED_LENGTH,
};

/**
 * The interface that a file header can be written from before there are packets: none while it is not known which link
 * type the packets will have.
 */
export function settledInterface(interfaces: readonly CaptureInterface[]): CaptureInterface | undefined {
  const [first] = interfaces;
  return interfaces.every(({ linkType }) => linkType === first?.linkType) ? first : undefined;
}

/** The interface that a file header is written from when the first packet is there, or the end. */
export function interfaceOf(
  interfaces: readonly CaptureInterface[],
  format: PacketFormat | undefined,
): CaptureInterface {
  if (format === undefined) return interfaces[0] ?? NO_INTERFACE;
  return interfaces[format.interfaceId] ?? format;
}

/** Runs a whole source through an encoder. Every chunk is a copy that belongs to the reader. */
export async function* encodeSource(
  source: PacketSource,
  encoder: CaptureEncoder,
): AsyncGenerator<Uint8Array, void, undefined> {
  const settled = settledInterface(source.interfaces);
  let begun = settled !== undefined;
  if (settled !== undefined) yield encoder.begin(settled).slice();
  for await (const batch of borrowBatches(source).batches) {
    if (!begun) yield encoder.begin(interfaceOf(source.interfaces, batch.format)).slice();
    begun = true;
    if (batch.length > 0) yield encoder.encode(batch).slice();
  }
  if (!begun) yield encoder.begin(interfaceOf(source.interfaces, undefined)).slice();
  const last = encoder.end(source.stats());
  if (last.length > 0) yield last.slice();
}
