import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Resolution } from "../../../src/packet/batch.js";
import { createTimeReader, type RecordTime, writeTime } from "../../../src/pcap/pcapng/time.js";
import { runs } from "../../support/amount.js";

// Many cases each: also a busy machine gets through.
const WORD = 2n ** 32n;
const MOST = 2n ** 64n - 1n;

const anyCount = fc.oneof(
  fc.bigInt({ min: 0n, max: MOST }),
  // Around powers of two and of ten, where carries happen.
  fc
    .tuple(
      fc.oneof(
        fc.bigInt({ min: 0n, max: 64n }).map((power) => 2n ** power),
        fc.bigInt({ min: 0n, max: 19n }).map((power) => 10n ** power),
      ),
      fc.bigInt({ min: -3n, max: 3n }),
    )
    .map(([power, offset]) => power + offset)
    .filter((count) => count >= 0n && count <= MOST),
);

const anyUnit = fc.oneof(
  fc.nat(9),
  fc.nat(127),
  fc.nat(32).map((power) => power + 0x80),
  fc.nat(255),
);

describe("createTimeReader", () => {
  test("agrees with integer arithmetic for every count, unit and offset (property)", () => {
    const offset = fc.oneof(
      fc.constant(0n),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map(BigInt),
      fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }),
    );
    fc.assert(
      fc.property(anyUnit, anyCount, offset, (unit, count, offset) => {
        const reader = createTimeReader(unit, Number(offset));
        const time: RecordTime = { eraSeconds: 1, seconds: 2, fraction: 3 };
        reader.read(Number(count / WORD), Number(count % WORD), time);
        const unitsPerSecond = unit >= 0x80 ? 2n ** BigInt(unit - 0x80) : 10n ** BigInt(unit);
        expect(reader.resolution).toBe(unit <= 6 ? "us" : "ns");
        expect(BigInt(time.eraSeconds) + BigInt(time.seconds)).toBe(count / unitsPerSecond + offset);
        expect(BigInt(time.eraSeconds) % WORD).toBe(0n);
        expect(time.seconds).toBeGreaterThanOrEqual(0);
        expect(time.seconds).toBeLessThan(2 ** 32);
        expect(BigInt(time.fraction)).toBe(
          ((count % unitsPerSecond) * fractionsPerSecond(reader.resolution)) / unitsPerSecond,
        );
      }),
      { numRuns: runs(20_000) },
    );
  });

  test.each([
    {
      what: "the largest count of seconds",
      unit: 0,
      count: MOST,
      era: 2 ** 64 - 2 ** 32,
      seconds: 0xffff_ffff,
      fraction: 0,
    },
    {
      what: "the largest count of microseconds",
      unit: 6,
      count: MOST,
      era: 4294 * 2 ** 32,
      seconds: 4_154_504_685,
      fraction: 551_615,
    },
    {
      what: "the largest count of nanoseconds",
      unit: 9,
      count: MOST,
      era: 4 * 2 ** 32,
      seconds: 1_266_874_889,
      fraction: 709_551_615,
    },
    {
      what: "the largest count of 2^-64 seconds",
      unit: 0xc0,
      count: MOST,
      era: 0,
      seconds: 0,
      fraction: 999_999_999,
    },
  ])("reads $what", ({ unit, count, era, seconds, fraction }) => {
    const time: RecordTime = { eraSeconds: 0, seconds: 0, fraction: 0 };
    createTimeReader(unit, 0).read(Number(count / WORD), Number(count % WORD), time);
    expect(time).toEqual({ eraSeconds: era, seconds, fraction });
  });
});

describe("writeTime", () => {
  const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const resolution = fc.constantFrom<Resolution>("us", "ns");

  test("agrees with integer arithmetic for every record and era, fractions above a second are carried (property)", () => {
    const era = fc.oneof(
      fc.constant(0n),
      fc.bigInt({ min: -10n, max: 10n }),
      fc.bigInt({ min: -5000n, max: 5000n }),
    );
    const offset = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }));
    fc.assert(
      fc.property(resolution, era, uint32, uint32, offset, (resolution, era, seconds, fraction, offset) => {
        const units = (era * WORD + BigInt(seconds) - offset) * fractionsPerSecond(resolution);
        const expected = units + BigInt(fraction);
        const { fits, count } = write(resolution, Number(era * WORD), seconds, fraction, Number(offset));
        expect(fits).toBe(expected >= 0n && expected <= MOST);
        if (fits) expect(count).toBe(expected);
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("is the inverse of reading for every count and offset (property)", () => {
    const offset = fc.oneof(fc.constant(0), fc.integer({ min: -(2 ** 52), max: 2 ** 52 }));
    fc.assert(
      fc.property(resolution, anyCount, offset, (resolution, count, offset) => {
        const time: RecordTime = { eraSeconds: 0, seconds: 0, fraction: 0 };
        createTimeReader(resolution === "us" ? 6 : 9, offset).read(
          Number(count / WORD),
          Number(count % WORD),
          time,
        );
        expect(write(resolution, time.eraSeconds, time.seconds, time.fraction, offset)).toEqual({
          fits: true,
          count,
        });
      }),
      { numRuns: runs(20_000) },
    );
  });
});

function write(resolution: Resolution, era: number, seconds: number, fraction: number, offset: number) {
  const view = new DataView(new ArrayBuffer(12));
  const fits = writeTime(view, 4, resolution, era, seconds, fraction, offset);
  return { fits, count: (BigInt(view.getUint32(4, true)) << 32n) | BigInt(view.getUint32(8, true)) };
}

function fractionsPerSecond(resolution: Resolution): bigint {
  return resolution === "us" ? 1_000_000n : 1_000_000_000n;
}
