import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  convertRecordTime,
  nanosecondsPerUnit,
  RECORD_FRACTION,
  RECORD_SECONDS,
  readOriginalLength,
  readRecordTime,
  SECONDS_PER_ERA,
  unitsPerSecond,
  writeRecordHeader,
} from "../../src/packet/record-header.js";

const anyUint32 = fc.nat(0xffff_ffff);
const anyResolution = fc.constantFrom("us" as const, "ns" as const);
const BEFORE = 3;

/** A record header in the middle of other bytes. */
function header(seconds: number, fraction: number, captured = 0, original = 0) {
  const bytes = new Uint8Array(24).fill(0xaa);
  const view = new DataView(bytes.buffer);
  writeRecordHeader(view, BEFORE, seconds, fraction, captured, original);
  return { bytes, view };
}

/** Nanoseconds since 1970. */
function timeOf(bytes: Uint8Array, resolution: "us" | "ns", eraSeconds = 0): bigint {
  const time = { seconds: 0, nanoseconds: 0 };
  readRecordTime(bytes, BEFORE, resolution, eraSeconds, time);
  expect(time.nanoseconds).toBeGreaterThanOrEqual(0);
  expect(time.nanoseconds).toBeLessThan(1e9);
  return BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);
}

test("unitsPerSecond, nanosecondsPerUnit: a second has as many nanoseconds in either resolution", () => {
  for (const resolution of ["us", "ns"] as const) {
    expect(unitsPerSecond(resolution) * nanosecondsPerUnit(resolution)).toBe(1e9);
  }
});

test("writeRecordHeader: writes 16 little-endian bytes and no others", () => {
  const { bytes } = header(0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10);
  expect([...bytes]).toEqual([
    ...[0xaa, 0xaa, 0xaa],
    ...[4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13],
    ...[0xaa, 0xaa, 0xaa, 0xaa, 0xaa],
  ]);
  expect(readOriginalLength(bytes, BEFORE)).toBe(0x0d0e0f10);
});

test("readRecordTime: adds the era, and carries fractions of a second or more (property)", () => {
  fc.assert(
    fc.property(
      anyUint32,
      anyUint32,
      anyResolution,
      fc.integer({ min: -9, max: 9 }),
      (seconds, fraction, resolution, era) => {
        const { bytes } = header(seconds, fraction);
        const unit = resolution === "us" ? 1000n : 1n;
        const sinceEra = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * unit;
        const start = BigInt(era) * 2n ** 32n * 1_000_000_000n;
        expect(timeOf(bytes, resolution, era * SECONDS_PER_ERA)).toBe(start + sinceEra);
      },
    ),
  );
});

describe("convertRecordTime", () => {
  test("to nanoseconds keeps the time, or the record if the time does not fit (property)", () => {
    fc.assert(
      fc.property(
        fc.oneof(anyUint32, fc.integer({ min: 2 ** 32 - 5000, max: 2 ** 32 - 1 })),
        anyUint32,
        (seconds, fraction) => {
          const { bytes, view } = header(seconds, fraction);
          const before = bytes.slice();
          const time = timeOf(bytes, "us");
          if (convertRecordTime(view, BEFORE, "ns")) expect(timeOf(bytes, "ns")).toBe(time);
          else {
            expect(time).toBeGreaterThanOrEqual(2n ** 32n * 1_000_000_000n);
            expect(bytes).toEqual(before);
          }
        },
      ),
    );
  });

  test("to microseconds truncates the fraction only (property)", () => {
    fc.assert(
      fc.property(anyUint32, anyUint32, (seconds, fraction) => {
        const { view } = header(seconds, fraction);
        expect(convertRecordTime(view, BEFORE, "us")).toBe(true);
        expect(view.getUint32(BEFORE + RECORD_SECONDS, true)).toBe(seconds);
        expect(view.getUint32(BEFORE + RECORD_FRACTION, true)).toBe(Math.floor(fraction / 1000));
      }),
    );
  });
});
