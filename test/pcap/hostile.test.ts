import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FlowscribeError } from "../../src/errors/errors.js";
import { amount, runs } from "../support/amount.js";
import { describeWithShared } from "../support/shared.js";
import {
  blockWriter,
  ENHANCED_PACKET,
  join,
  OBSOLETE_PACKET,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from "./blocks.js";
import { HEADER_LENGTH, MICROSECONDS, NANOSECONDS, pcapHeader, RECORD_HEADER_LENGTH } from "./pcap-file.js";
import { chunksOf, type Outcome, packetsIn, type ReadPacket, readAll } from "./read.js";
import { sample, sharedCapture, sharedCaptures } from "./shared-captures.js";

describe("decodeCapture: bytes that are not a capture give packets or a FlowscribeError (property):", () => {
  const bytes = fc.uint8Array({ maxLength: 400, size: "max" });
  const littleEndian = fc.boolean();

  test("any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (all) => void (await expectOrderlyEnd(all))),
      { numRuns: runs(1000) },
    );
  });

  test("any bytes after the magic number of gzip", async () => {
    const head = fc.constantFrom(
      Uint8Array.of(0x1f, 0x8b),
      Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3),
    );
    await fc.assert(
      fc.asyncProperty(head, bytes, async (start, rest) => void (await expectOrderlyEnd(join(start, rest)))),
      { numRuns: runs(1000) },
    );
  });

  test("any bytes after a pcap header", async () => {
    const fields = fc.record({
      littleEndian,
      magic: fc.constantFrom(MICROSECONDS, NANOSECONDS),
      minor: fc.nat(4),
      snapLength: fc.nat(100),
      linkType: fc.constantFrom(1, 231),
    });
    // Short lengths, so that there are packets at all.
    const words = fc.array(fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 0xffff_ffff })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fields, words, async (header, values) => {
        const { u32 } = blockWriter(header);
        await expectOrderlyEnd(join(pcapHeader(header), ...values.map(u32)));
      }),
      { numRuns: runs(1000) },
    );
  });

  test("any blocks of any contents", async () => {
    const type = fc.oneof(fc.nat(10), fc.constantFrom(SECTION_HEADER, 0xbad));
    // Mostly words below 64: interfaces, lengths and option codes that have a meaning.
    const words = fc.array(
      fc.oneof({ arbitrary: fc.nat(64), weight: 5 }, fc.integer({ min: 0, max: 0xffff_ffff })),
      { maxLength: 16 },
    );
    const lies = fc.option(fc.record({ length: fc.nat(100) }), { freq: 20, nil: {} });
    await fc.assert(
      fc.asyncProperty(
        littleEndian,
        fc.array(fc.tuple(type, words, lies), { maxLength: 20 }),
        async (order, list) => {
          const writer = blockWriter({ littleEndian: order });
          const blocks = list.map(([type, values, lie]) =>
            writer.block(type, join(...values.map(writer.u32)), lie),
          );
          await expectOrderlyEnd(join(writer.section(), writer.interface({ snapLength: 8 }), ...blocks));
        },
      ),
      { numRuns: runs(2000) },
    );
  });
});

describe("decodeCapture: a damaged capture gives the packets before the damage, then packets or a FlowscribeError (property):", () => {
  test.each(["sample.pcap", "sample.pcapng"] as const)("our %s", async (name) => {
    const bytes = sample(name);
    const expected = await packetsIn(bytes);
    expect(packetEnds(bytes, expected)).toHaveLength(expected.length);
    await fc.assert(
      fc.asyncProperty(mutations, (list) => expectSameBeforeDamage(bytes, expected, list)),
      { numRuns: runs(300) },
    );
  });
});

describeWithShared("damaged captures of other programs", () => {
  const files = sharedCaptures()
    .filter(({ packets }) => packets !== "refused")
    .map(({ file }) => sharedCapture(file))
    .filter(({ length }) => length < 16_384);

  test("give the packets before the damage, then packets or a FlowscribeError (property)", async () => {
    expect(files.length).toBeGreaterThan(800);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), mutations, async (bytes, list) =>
        expectSameBeforeDamage(bytes, await packetsIn(bytes), list),
      ),
      { numRuns: runs(3000) },
    );
  });

  test("truncated anywhere give the packets before it", async () => {
    for (const bytes of files
      .filter(({ length }) => length < 1000)
      .slice(0, amount({ quick: 3, long: 60 }))) {
      const expected = await packetsIn(bytes);
      const ends = packetEnds(bytes, expected);
      for (let length = 0; length <= bytes.length; length += 3) {
        const outcome = await expectOrderlyEnd(bytes.subarray(0, length));
        expect(outcome.packets).toEqual(expected.slice(0, ends.filter((end) => end <= length).length));
      }
    }
  });
});

interface Mutation {
  readonly kind: "flip" | "set" | "cut" | "remove" | "repeat";
  /** Where, as a part of the whole. */
  readonly at: number;
  readonly length: number;
  readonly value: number;
}

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("flip", "flip", "set", "cut", "remove", "repeat"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 40 }),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(bytes: Uint8Array, { kind, at, length, value }: Mutation): Uint8Array {
  const start = Math.floor(at * bytes.length);
  const before = bytes.subarray(0, start);
  const after = bytes.subarray(start);
  switch (kind) {
    case "flip":
      return join(
        before,
        after.slice(0, 1).map((byte) => byte ^ value),
        after.subarray(1),
      );
    case "set":
      return join(before, after.slice(0, 4).fill(value), after.subarray(4));
    case "cut":
      return before;
    case "remove":
      return join(before, after.subarray(length));
    case "repeat":
      return join(before, after.subarray(0, length), after);
  }
}

async function expectSameBeforeDamage(
  bytes: Uint8Array,
  expected: readonly ReadPacket[],
  list: readonly Mutation[],
): Promise<void> {
  const damaged = list.reduce(mutate, bytes);
  const outcome = await expectOrderlyEnd(damaged);
  let same = 0;
  while (same < damaged.length && damaged[same] === bytes[same]) same++;
  const safe = packetEnds(bytes, expected).filter((end) => end <= same).length;
  expect(outcome.packets.slice(0, safe)).toEqual(expected.slice(0, safe));
}

/** Packets or a FlowscribeError, and the same in other chunks. */
async function expectOrderlyEnd(bytes: Uint8Array): Promise<Outcome> {
  const outcome = await readAll(bytes);
  if (outcome.error !== undefined) expect(outcome.error).toBeInstanceOf(FlowscribeError);
  const chunked = await readAll(chunksOf(bytes, bytes.length < 4096 ? 5 : 4096));
  expect(chunked.packets).toEqual(outcome.packets);
  expect(chunked.error).toEqual(outcome.error);
  expect(chunked.source?.warnings).toEqual(outcome.source?.warnings);
  return outcome;
}

/** Where each packet of an undamaged capture ends in it, found without the decoder. */
function packetEnds(bytes: Uint8Array, packets: readonly ReadPacket[]): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends: number[] = [];
  if (view.getUint32(0) !== SECTION_HEADER) {
    let end = HEADER_LENGTH;
    for (const { data } of packets) {
      end += RECORD_HEADER_LENGTH + data.length / 2;
      ends.push(end);
    }
    return ends;
  }
  let littleEndian = true;
  for (let at = 0; at < bytes.length; at += view.getUint32(at + 4, littleEndian)) {
    if (view.getUint32(at) === SECTION_HEADER) littleEndian = view.getUint8(at + 8) === 0x4d;
    const isPacket = [ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET].includes(
      view.getUint32(at, littleEndian),
    );
    if (isPacket) ends.push(at + view.getUint32(at + 4, littleEndian));
  }
  return ends;
}
