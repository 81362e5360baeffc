import { describe, expect, test } from "vitest";
import { createBatch } from "../../src/packet/index.js";
import { CaptureWriter } from "../../src/pcap/capture-writer.js";
import { createPcapEncoder } from "../../src/pcap/classic/encode.js";
import { createPcapngEncoder } from "../../src/pcap/pcapng/encode.js";
import { join } from "./blocks.js";
import { packetsIn } from "./read.js";

const ETHERNET = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
const RAW = { linkType: 101, resolution: "us", snapLength: 0, interfaceId: 1 } as const;
const STATS = { received: 1, dropped: 0 };
const BATCH = createBatch(ETHERNET, [{ bytes: Uint8Array.of(1) }, { bytes: Uint8Array.of(2, 3) }]);

const FORMATS = [
  { format: "pcap", create: () => createPcapEncoder() },
  { format: "pcapng", create: createPcapngEncoder },
];

describe.each(FORMATS)("CaptureWriter: the $format header is written once:", ({ create }) => {
  test.each([
    { when: "at the start, if the interfaces determine it", interfaces: [ETHERNET], at: "begin" },
    { when: "with the first packet, if no interface is known", interfaces: [], at: "encode" },
    { when: "with the first packet, if link types differ", interfaces: [ETHERNET, RAW], at: "encode" },
  ])("$when", async ({ interfaces, at }) => {
    const writer = new CaptureWriter(create(interfaces), interfaces);
    expect(writer.begin().length > 0 ? "begin" : "encode").toBe(at);
    const before = writer.encode(BATCH).length;
    // The same packets again need no header.
    expect(before > writer.encode(BATCH).length ? "encode" : "begin").toBe(at);

    const whole = new CaptureWriter(create(interfaces), interfaces);
    const file = join(
      whole.begin().slice(),
      whole.encode(BATCH).slice(),
      whole.encode(BATCH).slice(),
      whole.end(STATS).slice(),
    );
    expect((await packetsIn(file)).map(({ data }) => data)).toEqual(["01", "0203", "01", "0203"]);
  });

  test("at the end of a capture without packets", async () => {
    const writer = new CaptureWriter(create([]), []);
    expect(writer.begin()).toHaveLength(0);
    const file = writer.end(undefined).slice();
    expect(await packetsIn(file)).toEqual([]);
    expect(writer.end(undefined)).toHaveLength(0);
  });

  test("whole: a header that is written in part is not kept", () => {
    const writer = new CaptureWriter(create([]), []);
    const chunk = writer.encode(BATCH);
    const kept = new Set(
      Array.from({ length: chunk.length + 1 }, (_, length) => writer.wholeRecords(chunk, length)),
    );
    const header = [...kept][1]!;
    const one = header + writer.packetBytes(BATCH, 0);
    expect([...kept]).toEqual([0, header, one, one + writer.packetBytes(BATCH, 1)]);
    expect(chunk).toHaveLength(one + writer.packetBytes(BATCH, 1));
    // Without a header in the chunk, only records count.
    const next = writer.encode(BATCH);
    expect(writer.wholeRecords(next, 1)).toBe(0);
    expect(writer.wholeRecords(next, next.length)).toBe(next.length);
  });
});

test("CaptureWriter: an empty batch writes the header at most", () => {
  const writer = new CaptureWriter(createPcapEncoder(), []);
  const empty = createBatch(ETHERNET, []);
  expect(writer.encode(empty)).toHaveLength(24);
  expect(writer.encode(empty)).toHaveLength(0);
});
