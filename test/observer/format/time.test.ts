import { create } from "@bufbuild/protobuf";
import { TimestampSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTimeFormat, TIME_FORMATS, type TimeFormat } from "../../../src/observer/format/time.js";

const at = (date: string, nanos: number) =>
  create(TimestampSchema, { seconds: BigInt(Date.parse(date) / 1000), nanos });

describe("createTimeFormat", () => {
  const morning = at("2024-01-02T03:04:05Z", 6_007_008);
  const half = at("2024-11-22T23:59:59Z", 500_000_000);
  const whole = at("2024-11-22T00:00:00Z", 0);

  test.each<[TimeFormat, string, string, string]>([
    ["StampMilli", "Jan  2 03:04:05.006", "Nov 22 23:59:59.500", "Nov 22 00:00:00.000"],
    ["RFC3339", "2024-01-02T03:04:05Z", "2024-11-22T23:59:59Z", "2024-11-22T00:00:00Z"],
    ["RFC3339Milli", "2024-01-02T03:04:05.006Z", "2024-11-22T23:59:59.5Z", "2024-11-22T00:00:00Z"],
    ["RFC3339Micro", "2024-01-02T03:04:05.006007Z", "2024-11-22T23:59:59.5Z", "2024-11-22T00:00:00Z"],
    ["RFC3339Nano", "2024-01-02T03:04:05.006007008Z", "2024-11-22T23:59:59.5Z", "2024-11-22T00:00:00Z"],
    [
      "RFC1123Z",
      "Tue, 02 Jan 2024 03:04:05 +0000",
      "Fri, 22 Nov 2024 23:59:59 +0000",
      "Fri, 22 Nov 2024 00:00:00 +0000",
    ],
    ["YearMonthDay", "2024-01-02", "2024-11-22", "2024-11-22"],
    ["YearMonthDayHour", "2024-01-02T03Z", "2024-11-22T23Z", "2024-11-22T00Z"],
    ["YearMonthDayHourMinute", "2024-01-02T03:04Z", "2024-11-22T23:59Z", "2024-11-22T00:00Z"],
  ])("formats %s", (name, ...expected) => {
    const format = createTimeFormat(name);
    expect([morning, half, whole].map(format)).toEqual(expected);
    // Again in reverse order: no state of one time affects the next.
    expect([whole, half, morning].map(format)).toEqual([...expected].reverse());
  });

  test.each([
    { name: "truncates digits", nanos: 999_999_999, expected: "Jan  1 00:00:00.999" },
    { name: "truncates less than a millisecond", nanos: 999_999, expected: "Jan  1 00:00:00.000" },
  ])("$name", ({ nanos, expected }) => {
    expect(createTimeFormat("StampMilli")(at("1970-01-01T00:00:00Z", nanos))).toBe(expected);
  });

  test.each([
    {
      name: "formats the first second",
      seconds: -62_135_596_800n,
      nanos: 0,
      expected: "0001-01-01T00:00:00Z",
    },
    {
      name: "formats the last nanosecond",
      seconds: 253_402_300_799n,
      nanos: 999_999_999,
      expected: "9999-12-31T23:59:59.999999999Z",
    },
    {
      name: "adds the fraction before 1970",
      seconds: -1n,
      nanos: 250_000_000,
      expected: "1969-12-31T23:59:59.25Z",
    },
    { name: "prints N/A before the first second", seconds: -62_135_596_801n, nanos: 0, expected: "N/A" },
    { name: "prints N/A after the last second", seconds: 253_402_300_800n, nanos: 0, expected: "N/A" },
    { name: "prints N/A far out of range", seconds: 2n ** 63n - 1n, nanos: 0, expected: "N/A" },
    { name: "prints N/A for negative nanoseconds", seconds: 0n, nanos: -1, expected: "N/A" },
    {
      name: "prints N/A for excess nanoseconds",
      seconds: 0n,
      nanos: 1_000_000_000,
      expected: "N/A",
    },
  ])("$name", ({ seconds, nanos, expected }) => {
    expect(createTimeFormat("RFC3339Nano")(create(TimestampSchema, { seconds, nanos }))).toBe(expected);
  });

  test("prints N/A without a time", () => {
    for (const name of TIME_FORMATS) expect(createTimeFormat(name)(undefined)).toBe("N/A");
  });

  test("rejects an unknown name", () => {
    for (const name of ["", "stampmilli", "toString"]) {
      expect(() => createTimeFormat(name as TimeFormat)).toThrow(
        new TypeError(`unknown time format: ${name}`),
      );
    }
  });

  test("formats RFC3339Nano so that it parses as the same time", () => {
    const date = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (time) => {
        const text = createTimeFormat("RFC3339Nano")(timestampFromDate(time));
        expect(Date.parse(text)).toBe(time.getTime());
      }),
    );
  });
});
