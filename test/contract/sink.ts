import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CaptureInterface,
  createBatch,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  type Packet,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
  packetsOf,
  type Resolution,
} from "../../src/packet/index.js";
import { decodeCapture } from "../../src/pcap/index.js";
import type { OpenSink, PacketSink } from "../../src/recorder/index.js";
import { fakeClock } from "../support/fake-clock.js";

/** A sink for one recording, and the bytes that it writes. */
export interface SinkUnderTest extends AsyncDisposable {
  readonly open: OpenSink;
  /** Everything written, once the sink has been closed or aborted. */
  written(how: "closed" | "aborted"): Promise<Uint8Array>;
}

export interface SinkTraits {
  readonly fileFormat: "pcap" | "pcapng";
  /** Unit of the times in the file; `own` for that of each interface. */
  readonly resolution: Resolution | "own";
}

const SNAP_LENGTH = 1234;
const STATS = { received: 17, dropped: 4 };

/** The rules for every sink of captures, for any destination. */
export function sinkContract(
  name: string,
  { fileFormat, resolution }: SinkTraits,
  create: () => Promise<SinkUnderTest>,
): void {
  interface Written {
    readonly interfaces: readonly CaptureInterface[];
    readonly packets: readonly unknown[];
    readonly fileFormat: string;
    readonly bytes: Uint8Array;
  }

  /** Opens a sink, passes it to the test, and decodes what was written. */
  async function write(
    interfaces: readonly CaptureInterface[],
    use: (sink: PacketSink) => Promise<"closed" | "aborted">,
  ): Promise<Written> {
    await using subject = await create();
    const sink = await subject.open({
      filePrefix: "hubble",
      interfaces,
      snapLength: SNAP_LENGTH,
      clock: fakeClock(1_700_000_000_000),
    });
    const bytes = await subject.written(await use(sink));
    await using capture = await decodeCapture(bytes);
    const packets: unknown[] = [];
    for await (const batch of capture) packets.push(...describePackets(batch));
    return { interfaces: capture.interfaces, packets, fileFormat: capture.fileFormat, bytes };
  }

  /** The packets of a batch with times as the file has them. */
  function expectedOf(batch: PacketBatch): unknown[] {
    return describePackets(batch).map((packet) => ({
      ...packet,
      nanoseconds: resolution === "us" ? Math.floor(packet.nanoseconds / 1000) * 1000 : packet.nanoseconds,
    }));
  }

  function formatOf(own: Partial<PacketFormat> = {}): PacketFormat {
    return { linkType: LINKTYPE_ETHERNET, resolution: "us", snapLength: 65_535, interfaceId: 0, ...own };
  }

  function interfaceOf({ linkType, resolution: unit, snapLength }: PacketFormat): CaptureInterface {
    return { linkType, resolution: unit, snapLength };
  }

  const packet: fc.Arbitrary<PacketInit> = fc
    .record({
      bytes: fc.uint8Array({ maxLength: 80 }),
      seconds: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
      beyond: fc.nat(1000),
    })
    .map(({ beyond, ...init }) => ({ ...init, originalLength: init.bytes.length + beyond }));
  const batches = fc.array(fc.array(packet, { minLength: 1, maxLength: 5 }), { maxLength: 6 });

  describe(`${name}: contract of PacketSink`, () => {
    test("write: the capture decodes to the written packets", async () => {
      await fc.assert(
        fc.asyncProperty(batches, fc.constantFrom<Resolution>("us", "ns"), async (inits, unit) => {
          const format = formatOf({ resolution: unit });
          const all = inits.map((packets) => createBatch(format, packets));
          const { packets, fileFormat: decoded } = await write([interfaceOf(format)], async (sink) => {
            for (const batch of all) await sink.write(batch);
            await sink.close(STATS);
            return "closed";
          });
          expect(decoded).toBe(fileFormat);
          expect(packets).toEqual(all.flatMap(expectedOf));
        }),
        { numRuns: 40 },
      );
    });

    test("write: a batch may be overwritten after the write", async () => {
      const format = formatOf();
      const batch = createBatch(format, [
        { bytes: Uint8Array.of(1, 2, 3), seconds: 5 },
        { bytes: Uint8Array.of(4), seconds: 6 },
      ]);
      const expected = [...expectedOf(batch), ...expectedOf(batch)];
      const { packets } = await write([interfaceOf(format)], async (sink) => {
        for (let round = 0; round < 2; round++) {
          const lent = createBatch(format, [...packetsOf(batch)].map(toInit));
          await sink.write(lent);
          lent.records.fill(0xee);
          lent.offsets.fill(0xee);
        }
        await sink.close(STATS);
        return "closed";
      });
      expect(packets).toEqual(expected);
    });

    test("write: does not change the batch", async () => {
      const format = formatOf({ resolution: "ns" });
      const batch = createBatch(format, [{ bytes: Uint8Array.of(1, 2, 3), nanoseconds: 123_456_789 }]);
      const before = structuredClone(batch);
      await write([interfaceOf(format)], async (sink) => {
        await sink.write(batch);
        await sink.close(STATS);
        return "closed";
      });
      expect(batch).toEqual(before);
    });

    test("write: writes a large batch completely", async () => {
      const format = formatOf();
      const bytes = new Uint8Array(1000).fill(7);
      const batch = createBatch(
        format,
        Array.from({ length: 300 }, (_, seconds) => ({ bytes, seconds })),
      );
      const { packets } = await write([interfaceOf(format)], async (sink) => {
        await sink.write(batch);
        await sink.close(STATS);
        return "closed";
      });
      expect(packets).toEqual(expectedOf(batch));
    });

    const known = [interfaceOf(formatOf({ linkType: LINKTYPE_RAW }))];
    const mixed = [interfaceOf(formatOf({ linkType: LINKTYPE_RAW })), interfaceOf(formatOf())];
    test.each<{
      name: string;
      interfaces: CaptureInterface[];
      linkTypes: { pcap: number[]; pcapng: number[] };
    }>([
      {
        name: "one interface",
        interfaces: known,
        linkTypes: { pcap: [LINKTYPE_RAW], pcapng: [LINKTYPE_RAW] },
      },
      {
        name: "no interface",
        interfaces: [],
        linkTypes: { pcap: [LINKTYPE_ETHERNET], pcapng: [LINKTYPE_ETHERNET] },
      },
      {
        name: "interfaces of two link types",
        interfaces: mixed,
        linkTypes: { pcap: [LINKTYPE_RAW], pcapng: [LINKTYPE_RAW, LINKTYPE_ETHERNET] },
      },
    ])("close: a capture without packets is complete: $name", async ({ interfaces, linkTypes }) => {
      const { interfaces: decoded, packets } = await write(interfaces, async (sink) => {
        await sink.close(STATS);
        return "closed";
      });
      expect(packets).toEqual([]);
      expect(decoded.map(({ linkType }) => linkType)).toEqual(linkTypes[fileFormat]);
      for (const { snapLength } of decoded) expect(snapLength).toBe(SNAP_LENGTH);
    });

    test.each([0, 1, 3])("abort: after %i batches keeps them", async (count) => {
      const format = formatOf();
      const all = Array.from({ length: count }, (_, seconds) =>
        createBatch(format, [
          { bytes: new Uint8Array(seconds), seconds },
          { bytes: new Uint8Array(9), seconds },
        ]),
      );
      const { packets } = await write([interfaceOf(format)], async (sink) => {
        for (const batch of all) await sink.write(batch);
        await sink.abort();
        return "aborted";
      });
      expect(packets).toEqual(all.flatMap(expectedOf));
    });

    test("abort: after a failure to close, or twice, has no effect", async () => {
      const format = formatOf();
      const { packets } = await write([interfaceOf(format)], async (sink) => {
        await sink.close(STATS);
        await sink.abort();
        await sink.abort();
        return "closed";
      });
      expect(packets).toEqual([]);
    });

    test("write: accepts interfaces that are added later", async () => {
      const interfaces: CaptureInterface[] = [];
      const first = formatOf();
      const second = formatOf({ resolution: "ns", interfaceId: 1 });
      const all = [
        createBatch(first, [{ bytes: Uint8Array.of(1), nanoseconds: 1_000 }]),
        createBatch(second, [{ bytes: Uint8Array.of(2), nanoseconds: 1_999_999 }]),
      ];
      const { packets } = await write(interfaces, async (sink) => {
        for (const batch of all) {
          interfaces.push(interfaceOf(batch.format));
          await sink.write(batch);
        }
        await sink.close(STATS);
        return "closed";
      });
      expect(packets).toEqual(
        all
          .flatMap(expectedOf)
          .map((packet) => (fileFormat === "pcap" ? { ...(packet as object), interfaceId: 0 } : packet)),
      );
    });

    test("write: accepts packets of two link types in pcapng only", async () => {
      const raw = createBatch(formatOf({ linkType: LINKTYPE_RAW }), [{ bytes: Uint8Array.of(1) }]);
      const ethernet = createBatch(formatOf({ interfaceId: 1 }), [{ bytes: Uint8Array.of(2) }]);
      const { packets } = await write(mixed, async (sink) => {
        await sink.write(raw);
        const second = (async () => sink.write(ethernet))();
        if (fileFormat === "pcapng") {
          await second;
          await sink.close(STATS);
          return "closed";
        }
        await expect(second).rejects.toMatchObject({ name: "FlowscribeError", code: "mixed_link_types" });
        await sink.abort();
        return "aborted";
      });
      expect(packets).toEqual([raw, ...(fileFormat === "pcapng" ? [ethernet] : [])].flatMap(expectedOf));
    });
  });
}

interface Described {
  readonly seconds: number | undefined;
  readonly nanoseconds: number;
  readonly bytes: readonly number[];
  readonly originalLength: number;
  readonly linkType: number;
  readonly interfaceId: number;
}

function describePackets(batch: PacketBatch): Described[] {
  const { linkType, interfaceId } = batch.format;
  return [...packetsOf(batch)].map(({ seconds, nanoseconds, bytes, originalLength }) => ({
    seconds,
    nanoseconds,
    bytes: [...bytes],
    originalLength,
    linkType,
    interfaceId,
  }));
}

function toInit({ seconds = 0, nanoseconds, bytes, originalLength }: Packet): PacketInit {
  return { seconds, nanoseconds, bytes, originalLength };
}
