import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBatch, type PacketFormat, packetsOf } from "../../../src/packet/index.js";
import { BLOCK_HEADER_LENGTH } from "../../../src/source/packet-socket/block-layout.js";
import {
  createFramedBlock,
  type Framing,
  frameBlock,
} from "../../../src/source/packet-socket/frame-block.js";
import { runs } from "../../support/amount.js";
import { MadeBlocks, type MadePacket } from "./made-blocks.js";

const BLOCK_BYTES = 16_384;
const WHOLE = 262_144;
const ETHERNET: PacketFormat = { linkType: 1, resolution: "ns", snapLength: 0, interfaceId: 0 };
const ALL: Framing = { format: ETHERNET, capturedLength: WHOLE, wanted: undefined, keptLength: WHOLE };

/** The packets of a block in the middle of the memory, after framing. */
function framed(packets: readonly MadePacket[], framing: Partial<Framing> = {}) {
  const made = new MadeBlocks(BLOCK_BYTES, 3);
  made.fill([]);
  made.fill(packets);
  const memory = new Uint8Array(made.buffer);
  const before = memory.slice();
  const block = createFramedBlock();
  const { format = ETHERNET } = framing;
  frameBlock(memory, new DataView(made.buffer), BLOCK_BYTES, { ...ALL, ...framing }, block);
  // Neither the header of the block nor its neighbours have changed.
  const first = BLOCK_BYTES + BLOCK_HEADER_LENGTH;
  expect(memory.subarray(0, first)).toEqual(before.subarray(0, first));
  expect(memory.subarray(2 * BLOCK_BYTES)).toEqual(before.subarray(2 * BLOCK_BYTES));
  const batch = {
    format,
    length: block.packets,
    records: memory.subarray(first, BLOCK_BYTES + block.end),
    offsets: block.offsets,
  };
  return { packets: [...packetsOf(batch)], latestUs: block.latestUs, batch };
}

/** A frame whose bytes count up. */
function frame(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index);
}

describe("frameBlock", () => {
  test("turns packets into the records that createBatch makes of them", () => {
    const aPacket = fc.record({
      bytes: fc.uint8Array({ maxLength: 400 }),
      seconds: fc.nat(2_000_000_000),
      nanoseconds: fc.nat(999_999_999),
      originalLength: fc.integer({ min: 400, max: 70_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(aPacket, { maxLength: 30 }),
        fc.constantFrom<PacketFormat>(ETHERNET, { ...ETHERNET, resolution: "us" }),
        (packets, format) => {
          const { batch, latestUs } = framed(packets, { format });
          const expected = createBatch(format, packets);
          expect(Buffer.from(batch.records).toString("hex")).toBe(
            Buffer.from(expected.records).toString("hex"),
          );
          expect([...batch.offsets.subarray(0, batch.length)]).toEqual([...expected.offsets]);
          const times = packets.map(
            ({ seconds, nanoseconds }) => seconds * 1e6 + Math.floor(nanoseconds / 1000),
          );
          expect(latestUs).toBe(Math.max(...times));
        },
      ),
      { numRuns: runs(500) },
    );
  });

  test("yields no records of a block without packets", () => {
    expect(framed([]).packets).toEqual([]);
  });

  test.each([
    { name: "of 802.1Q", vlan: { tci: 0x2064, tpid: 0x8100 }, tag: [0x81, 0x00, 0x20, 0x64] },
    { name: "of 802.1ad", vlan: { tci: 0x0001, tpid: 0x88a8 }, tag: [0x88, 0xa8, 0x00, 0x01] },
    { name: "whose type is unknown", vlan: { tci: 0x0fff }, tag: [0x81, 0x00, 0x0f, 0xff] },
    { name: "that is all 0", vlan: { tci: 0 }, tag: [0x81, 0x00, 0x00, 0x00] },
  ])("puts a VLAN tag back $name", ({ vlan, tag }) => {
    const bytes = frame(60);
    const [first, second] = framed([{ bytes, vlan }, { bytes }]).packets;
    expect([...first!.bytes]).toEqual([...bytes.subarray(0, 12), ...tag, ...bytes.subarray(12)]);
    expect(first!.originalLength).toBe(64);
    expect(second!.bytes).toEqual(bytes);
  });

  test("puts no VLAN tag into a packet without both addresses", () => {
    const [packet] = framed([{ bytes: frame(11), vlan: { tci: 5 } }]).packets;
    expect(packet).toMatchObject({ bytes: frame(11), originalLength: 11 });
  });

  test("cuts a packet that the VLAN tag makes longer than the snap length", () => {
    const [packet] = framed([{ bytes: frame(60), originalLength: 100, vlan: { tci: 5 } }], {
      capturedLength: 60,
      keptLength: 60,
    }).packets;
    expect(packet!.bytes).toHaveLength(60);
    expect(packet!.originalLength).toBe(104);
  });

  test("tests the captured bytes, and keeps fewer", () => {
    const lengths: number[] = [];
    const { packets } = framed([{ bytes: frame(200) }, { bytes: frame(100) }, { bytes: frame(201) }], {
      capturedLength: 256,
      keptLength: 64,
      wanted: (bytes, start, end) => {
        lengths.push(end - start);
        return bytes[end - 1] === 199 || bytes[end - 1] === 200;
      },
    });
    expect(lengths).toEqual([200, 100, 201]);
    expect(packets.map(({ bytes, originalLength }) => [bytes.length, originalLength])).toEqual([
      [64, 200],
      [64, 201],
    ]);
  });
});
