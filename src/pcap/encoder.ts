import type { PacketBatch, PacketFormat } from "../packet/batch.js";
import { LINKTYPE_ETHERNET, MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import {
  type CaptureInterface,
  type PacketSource,
  reusedBatchesOf,
  type SourceStats,
} from "../packet/source.js";

/** Encodes batches as the bytes of one capture file. Returned bytes are only valid until the next call. */
export interface CaptureEncoder {
  /** Returns the bytes before the first packet. Called once. */
  begin(first: CaptureInterface): Uint8Array;
  encode(batch: PacketBatch): Uint8Array;
  /** Returns the bytes after the last packet. */
  end(stats: SourceStats): Uint8Array;
  /**
   * Upper bound of the bytes still to be written besides packets: descriptions of new interfaces, and the result of
   * {@link end}.
   */
  pendingBytes(): number;
  /**
   * How many of the first `length` bytes of an encoded chunk are complete records: where to truncate a file after a
   * failed write.
   */
  wholeRecords(chunk: Uint8Array, length: number): number;
}

/** Used for a capture without interfaces. */
const NO_INTERFACE: CaptureInterface = {
  linkType: LINKTYPE_ETHERNET,
  resolution: "us",
  snapLength: MAX_CAPTURED_LENGTH,
};

/**
 * The interface to write a file header from before the first packet; undefined if the interfaces have different link
 * types or there are none.
 */
export function settledInterface(interfaces: readonly CaptureInterface[]): CaptureInterface | undefined {
  const [first] = interfaces;
  return interfaces.every(({ linkType }) => linkType === first?.linkType) ? first : undefined;
}

/** The interface to write a file header from at the first packet, or at the end of a capture without packets. */
export function interfaceOf(
  interfaces: readonly CaptureInterface[],
  format: PacketFormat | undefined,
): CaptureInterface {
  if (format === undefined) return interfaces[0] ?? NO_INTERFACE;
  return interfaces[format.interfaceId] ?? format;
}

/** Encodes a whole source. Every chunk is a copy that the caller owns. */
export async function* encodeSource(
  source: PacketSource,
  encoder: CaptureEncoder,
): AsyncGenerator<Uint8Array, void, undefined> {
  const settled = settledInterface(source.interfaces);
  let begun = settled !== undefined;
  if (settled !== undefined) yield encoder.begin(settled).slice();
  for await (const batch of reusedBatchesOf(source).batches) {
    if (!begun) yield encoder.begin(interfaceOf(source.interfaces, batch.format)).slice();
    begun = true;
    if (batch.length > 0) yield encoder.encode(batch).slice();
  }
  if (!begun) yield encoder.begin(interfaceOf(source.interfaces, undefined)).slice();
  const last = encoder.end(source.stats());
  if (last.length > 0) yield last.slice();
}
