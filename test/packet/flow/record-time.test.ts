import { describe, expect, test } from "vitest";
import { RecordClock } from "../../../src/packet/flow/record-time.js";
import { createBatch, type PacketBatch, type Resolution } from "../../../src/packet/index.js";

function batch(
  resolution: Resolution,
  seconds: number,
  nanoseconds: number,
  more: Partial<PacketBatch> = {},
): PacketBatch {
  const format = { linkType: 1, resolution, snapLength: 0, interfaceId: 0 };
  return { ...createBatch(format, [{ bytes: new Uint8Array(0), seconds, nanoseconds }]), ...more };
}

/** The fraction as it is in a record, valid or not. */
function withFraction(resolution: Resolution, fraction: number): PacketBatch {
  const made = batch(resolution, 100, 0);
  new DataView(made.records.buffer).setUint32(4, fraction, true);
  return made;
}

describe("RecordClock.timeOf", () => {
  test.each([
    { name: "microseconds", batch: batch("us", 5, 123_456_789), seconds: 5n, nanos: 123_456_000 },
    { name: "nanoseconds", batch: batch("ns", 5, 123_456_789), seconds: 5n, nanos: 123_456_789 },
    { name: "the epoch", batch: batch("us", 0, 0), seconds: 0n, nanos: 0 },
    {
      name: "the last second of 32 bits",
      batch: batch("us", 0xffff_ffff, 0),
      seconds: 4_294_967_295n,
      nanos: 0,
    },
    {
      name: "a fraction of more than a second",
      batch: withFraction("us", 2_500_000),
      seconds: 102n,
      nanos: 500_000_000,
    },
    {
      name: "the largest fraction in microseconds",
      batch: withFraction("us", 0xffff_ffff),
      seconds: 4394n,
      nanos: 967_295_000,
    },
    {
      name: "the largest fraction in nanoseconds",
      batch: withFraction("ns", 0xffff_ffff),
      seconds: 104n,
      nanos: 294_967_295,
    },
    {
      name: "a later era",
      batch: batch("us", 7, 1000, { eraSeconds: 2 ** 32 }),
      seconds: 4_294_967_303n,
      nanos: 1000,
    },
    {
      name: "an earlier era",
      batch: batch("us", 7, 1000, { eraSeconds: -(2 ** 32) }),
      seconds: -4_294_967_289n,
      nanos: 1000,
    },
  ])("$name", ({ batch: made, seconds, nanos }) => {
    const clock = new RecordClock();
    const expected = { $typeName: "google.protobuf.Timestamp", seconds, nanos };
    expect(clock.timeOf(made, 0)).toEqual(expected);
    // And when the seconds are those of the packet before.
    expect(clock.timeOf(made, 0)).toEqual(expected);
  });

  test.each([
    { name: "a batch without times", made: batch("us", 5, 5, { untimed: true }) },
    { name: "the year 10000", made: batch("us", 0, 0, { eraSeconds: 59 * 2 ** 32 }) },
    { name: "before the year 1", made: batch("us", 0, 0, { eraSeconds: -15 * 2 ** 32 }) },
    { name: "an era of NaN", made: batch("us", 0, 0, { eraSeconds: Number.NaN }) },
    { name: "an infinite era", made: batch("us", 0, 0, { eraSeconds: Number.POSITIVE_INFINITY }) },
  ])("is undefined for $name", ({ made }) => {
    expect(new RecordClock().timeOf(made, 0)).toBeUndefined();
  });

  test.each([
    { seconds: 253_402_300_799, returned: true },
    { seconds: 253_402_300_800, returned: false },
    { seconds: -62_135_596_800, returned: true },
    { seconds: -62_135_596_801, returned: false },
  ])("at the limits of Timestamp: $seconds s is returned: $returned", ({ seconds, returned }) => {
    const era = Math.floor(seconds / 2 ** 32) * 2 ** 32;
    const made = batch("us", seconds - era, 0, { eraSeconds: era });
    expect(new RecordClock().timeOf(made, 0)?.seconds).toBe(returned ? BigInt(seconds) : undefined);
  });
});
