import fc from "fast-check";
import { createBatch, type PacketBatch, type PacketInit, type Resolution } from "../../src/packet/batch.js";
import type { CaptureInterface, PcapHeader } from "../../src/packet/source.js";

const ERA = 2 ** 32;

export const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** Any text that pcapng can keep: closing NULs are dropped when it is read. */
export const text = fc.string({ unit: "binary", maxLength: 20 }).filter((value) => !value.endsWith("\0"));

const texts = fc.array(text, { minLength: 1, maxLength: 3 });
const linkType = fc.oneof(
  fc.constantFrom(0, 1, 101, 113, 228, 231, 276),
  fc.integer({ min: 0, max: 0xffff }),
);
const resolution = fc.constantFrom<Resolution>("us", "ns");

/** Times in the record are below a second, or odd where `oddFractions` says so. */
function packet({ oddFractions = false } = {}): fc.Arbitrary<PacketInit> {
  return fc
    .record(
      {
        bytes: fc.uint8Array({ maxLength: 80 }),
        seconds: uint32,
        nanoseconds: fc.integer({ min: 0, max: oddFractions ? 0xffff_ffff : 999_999_999 }),
        originalLength: uint32,
      },
      { requiredKeys: ["bytes"] },
    )
    .map((init) => init as PacketInit);
}

export interface Capture {
  readonly interfaces: readonly CaptureInterface[];
  readonly batches: readonly PacketBatch[];
}

/** What a pcap file can hold: one interface, any header, no comments. */
export const pcapCapture: fc.Arbitrary<Capture> = fc
  .record({
    linkType,
    flags: fc.integer({ min: 0, max: 63 }),
    resolution,
    snapLength: uint32,
    header: fc.option(
      fc.record({ versionMinor: fc.constantFrom(0, 1, 2, 3, 4), thisZone: fc.integer(), sigFigs: uint32 }),
    ),
    batches: fc.array(fc.array(packet({ oddFractions: true }), { maxLength: 8 }), { maxLength: 5 }),
  })
  .map(({ linkType, flags, resolution, snapLength, header, batches }) => {
    const pcapHeader: PcapHeader = {
      versionMajor: 2,
      versionMinor: 4,
      thisZone: 0,
      sigFigs: 0,
      ...header,
      linkTypeWord: header === null ? linkType : linkType + flags * 2 ** 26,
    };
    const format = { linkType, resolution, snapLength, interfaceId: 0 };
    return {
      interfaces: [{ linkType, resolution, snapLength, pcapHeader }],
      batches: batches.map((packets) =>
        createBatch(
          format,
          // In version 2.3 the larger of the two lengths is the original one.
          packets.map((init) => ({
            ...init,
            originalLength: Math.max(
              init.originalLength ?? 0,
              pcapHeader.versionMinor === 3 ? init.bytes.length : 0,
            ),
          })),
        ),
      ),
    };
  });

const captureInterface: fc.Arbitrary<CaptureInterface> = fc
  .record(
    {
      linkType,
      resolution,
      snapLength: fc.oneof(fc.constantFrom(0, 1, 40), uint32),
      name: text,
      description: text,
      filter: text,
      hardware: text,
      operatingSystem: text,
      comments: texts,
      timeOffsetSeconds: fc.integer({ min: -1_000_000_000, max: -1 }),
      counts: fc.record({ received: fc.maxSafeNat(), dropped: fc.maxSafeNat() }, { requiredKeys: [] }),
    },
    { requiredKeys: ["linkType", "resolution", "snapLength"] },
  )
  .map((fields) => fields as CaptureInterface);

/** What a pcapng file of ours can hold: several interfaces, comments, times behind 2106, packets without a time. */
export const pcapngCapture: fc.Arbitrary<Capture> = fc
  .array(captureInterface, { minLength: 1, maxLength: 4 })
  .chain((interfaces) =>
    fc.record({
      interfaces: fc.constant(interfaces),
      batches: fc.array(batchOf(interfaces), { maxLength: 6 }),
    }),
  );

function batchOf(interfaces: readonly CaptureInterface[]): fc.Arbitrary<PacketBatch> {
  const commented = fc
    .tuple(packet(), fc.option(texts, { freq: 3 }))
    .map(([init, comments]) => (comments === null ? init : { ...init, comments }));
  const timed = fc
    .record({
      interfaceId: fc.nat(interfaces.length - 1),
      packets: fc.array(commented, { maxLength: 8 }),
      era: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.integer({ min: 1, max: 3 })),
    })
    .map(({ interfaceId, packets, era }) => {
      const own = interfaces[interfaceId]!;
      const batch = createBatch({ ...own, interfaceId }, packets);
      // 2⁶⁴ nanoseconds end in 2554, in the fifth era.
      return era === 0 ? batch : { ...batch, eraSeconds: era * ERA };
    });
  const { snapLength } = interfaces[0]!;
  const untimed = fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), uint32), { maxLength: 4 })
    .map((packets): PacketBatch => {
      // Only packets that simple blocks can hold: as long as they were, or cut to the snap length.
      const inits = packets.map(([bytes, original]) => {
        if (snapLength === 0 || bytes.length < snapLength) return { bytes };
        return { bytes: bytes.subarray(0, snapLength), originalLength: Math.max(original, snapLength) };
      });
      return { ...createBatch({ ...interfaces[0]!, interfaceId: 0 }, inits), untimed: true };
    });
  return fc.oneof({ arbitrary: timed, weight: 3 }, untimed);
}
