import fc from "fast-check";
import {
  createBatch,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
  packetsOf,
} from "../../src/packet/index.js";

export function anyFormat(): fc.Arbitrary<PacketFormat> {
  return fc.record({
    linkType: fc.nat(0xffff),
    resolution: fc.constantFrom("us" as const, "ns" as const),
    snapLength: fc.nat(262_144),
    interfaceId: fc.nat(3),
  });
}

/** Every field given, so that it can be compared with what comes out. */
export function anyPacketInit(): fc.Arbitrary<Required<PacketInit>> {
  return fc.record({
    bytes: fc.uint8Array({ maxLength: 40 }),
    seconds: fc.nat(0xffff_ffff),
    nanoseconds: fc.nat(999_999_999),
    originalLength: fc.nat(0xffff_ffff),
    comments: fc.oneof(fc.constant([]), fc.constant([]), fc.array(fc.string(), { maxLength: 3 })),
  });
}

/** The first byte of packet i is i, so that predicates can distinguish packets. */
export function numberedBatch(
  lengths: readonly number[],
  { comments = [], format = {} }: { comments?: readonly number[]; format?: Partial<PacketFormat> } = {},
): PacketBatch {
  return createBatch(
    { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0, ...format },
    lengths.map((length, index) => ({
      bytes: Uint8Array.from({ length }, (_, at) => (at === 0 ? index : (16 * index + at) & 255)),
      seconds: 1000 + index,
      originalLength: 100 + index,
      ...(comments.includes(index) && { comments: [`packet ${index}`] }),
    })),
  );
}

/** Copies a batch into the middle of a larger buffer, with more offsets than packets, as decoders yield it. */
export function copyIntoLargerBuffer(batch: PacketBatch): PacketBatch {
  const memory = new Uint8Array(batch.records.length + 64).fill(0xaa);
  memory.set(batch.records, 32);
  const offsets = new Uint32Array(batch.length + 5).fill(0xdead);
  offsets.set(batch.offsets);
  return { ...batch, records: memory.subarray(32, 32 + batch.records.length), offsets };
}

/** Everything about the packets of a batch, as plain values. */
export function contents(batch: PacketBatch): unknown[] {
  return Array.from(packetsOf(batch), (packet) => ({ ...packet, bytes: [...packet.bytes] }));
}

/** All there is in the memory of a batch, to see whether it was changed. */
export function memoryOf({ records, offsets, comments, length }: PacketBatch): unknown {
  return {
    bytes: [...new Uint8Array(records.buffer)],
    offsets: [...offsets],
    comments: [...(comments ?? [])],
    length,
  };
}

/** The header fields agree with the offsets, as the producer of a batch guarantees. */
export function framing({ records, offsets, length }: PacketBatch): string {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let end = 0;
  for (let index = 0; index < length; index++) {
    const offset = offsets[index];
    if (offset !== end) return `record ${index} begins at ${offset}, not at ${end}`;
    if (offset + 16 > records.length) return `record ${index} has no header`;
    end = offset + 16 + view.getUint32(offset + 8, true);
  }
  return end === records.length ? "well framed" : `the last record ends at ${end}, not at ${records.length}`;
}
