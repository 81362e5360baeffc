import { expect, test, vi } from "vitest";
import { compilePacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { open } from "../../../src/source/libpcap/open.js";
import { PATIENCE } from "../../support/patience.js";
import { PROTOCOL } from "../../support/traffic/frames.js";
import { mixedFrames } from "../../support/traffic/mixed.js";
import { describeLive, readRecords } from "./live.js";

const IPV4 = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };
const IPV6 = { sourceCidr: "::/0", destinationCidr: "::/0" };
const HTTPS = { destinationPort: 443, protocol: PROTOCOL.tcp };
const FRAMES = mixedFrames(3000);

interface Case {
  readonly name: string;
  readonly include: readonly PacketFilterInit[];
  readonly expression?: string;
  /** Whether the expression matches a frame. */
  readonly also?: (frame: Uint8Array) => boolean;
  readonly snapLength?: number;
}

const CASES: readonly Case[] = [
  { name: "one filter", include: [{ ...IPV4, ...HTTPS }] },
  {
    name: "both families",
    include: [
      { ...IPV4, ...HTTPS },
      { ...IPV6, ...HTTPS },
    ],
  },
  { name: "a protocol behind extension headers", include: [{ ...IPV6, protocol: PROTOCOL.udp }] },
  { name: "SCTP", include: [{ ...IPV4, destinationPort: 38412 }] },
  { name: "everything that is IP, VLANs included", include: [IPV4, IPV6] },
  { name: "nothing that comes", include: [{ ...IPV4, sourcePort: 9 }] },
  {
    name: "more filters than the kernel is given",
    include: Array.from({ length: 500 }, (_, index) => ({ ...IPV4, destinationPort: 100 + index })),
  },
  {
    name: "an expression as well",
    include: [IPV4, IPV6],
    expression: "len > 1000",
    also: (frame) => frame.length > 1000,
  },
  {
    name: "an expression about VLANs as well, which moves offsets",
    include: [
      { ...IPV6, protocol: PROTOCOL.udp },
      { ...IPV4, ...HTTPS },
    ],
    expression: "vlan",
    also: (frame) => frame[12] === 0x81 || frame[12] === 0x88,
  },
  {
    name: "an expression about VLANs, of which libpcap's optimizer loses packets",
    include: [IPV4],
    expression: "arp or (vlan and tcp dst port 53)",
    also: (frame) => frame[12] === 0x81 && frame[16] === 0x08 && frame[27] === PROTOCOL.tcp,
  },
  {
    name: "a snap length that leaves no ports",
    include: [
      { ...IPV4, ...HTTPS },
      { ...IPV6, ...HTTPS },
    ],
    snapLength: 20,
  },
];

describeLive("openLibpcap: include filters", (live) => {
  test.each(CASES)(
    "pass exactly the matching packets: $name",
    async ({ include, expression, also, snapLength }) => {
      const { pair, sender } = live();
      const source = await open(
        pair.receiver.device,
        {
          include,
          ...(expression !== undefined && { expression }),
          ...(snapLength !== undefined && { snapLength }),
        },
        { onThisThread: true },
      );
      try {
        expect(source.filtered).toBe(true);
        sender.send(FRAMES);
        source.stop();
        const { records } = await readRecords(source);
        const wanted = compilePacketFilter(include);
        const expected = FRAMES.filter(
          (frame) => wanted(frame, 0, frame.length, 1) && (also === undefined || also(frame)),
        );
        expect(framesIn(records)).toEqual(expected.map((frame) => hex(frame.subarray(0, snapLength))));
        expect(source.stats()).toEqual({ received: expected.length, dropped: 0 });
      } finally {
        await source[Symbol.asyncDispose]();
      }
    },
  );

  test("keep other packets out of the kernel's buffer", async () => {
    const { pair, sender } = live();
    const matching = FRAMES.length / 15;
    const source = await open(
      pair.receiver.device,
      { include: [{ ...IPV4, protocol: PROTOCOL.tcp }], expression: "vlan", bufferBytes: 512 * 1024 },
      { onThisThread: true },
    );
    try {
      for (let round = 0; round < 20; round++) sender.send(FRAMES.filter((frame) => frame[12] !== 0x81));
      sender.send(FRAMES.filter((frame) => frame[12] === 0x81));
      const reading = readRecords(source);
      // On a busy machine the last packets arrive later than `stop` waits for.
      await vi.waitFor(() => expect(source.stats()).toEqual({ received: matching, dropped: 0 }), PATIENCE);
      source.stop();
      expect((await reading).count).toBe(matching);
    } finally {
      await source[Symbol.asyncDispose]();
    }
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function framesIn(records: Buffer): string[] {
  const frames: string[] = [];
  for (let offset = 0; offset < records.length; ) {
    const end = offset + 16 + records.readUInt32LE(offset + 8);
    frames.push(hex(records.subarray(offset + 16, end)));
    offset = end;
  }
  return frames;
}
