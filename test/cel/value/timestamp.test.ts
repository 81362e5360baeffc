import { getConformanceSuite } from "@bufbuild/cel-spec/testdata/tests.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/cel/value/fault.js";
import {
  addDuration,
  compareTimestamps,
  formatTimestamp,
  getDate,
  getDayOfMonth,
  getDayOfWeek,
  getDayOfYear,
  getFullYear,
  getHours,
  getMilliseconds,
  getMinutes,
  getMonth,
  getSeconds,
  parseTimestamp,
  subtractDuration,
  subtractTimestamps,
  type TimestampGetter,
  timestampFromSeconds,
  timestampOf,
} from "../../../src/cel/value/timestamp.js";
import { CelDuration, CelTimestamp } from "../../../src/cel/value/value.js";
import { runs } from "../../support/amount.js";

const MIN = -62_135_596_800;
const MAX = 253_402_300_799;

const fault = (message: string): Error => new Fault(message) as unknown as Error;
const refused = fault("type conversion error from 'string' to 'google.protobuf.Timestamp'");
const overflow = fault("timestamp overflow");

const timestamp = fc
  .tuple(fc.integer({ min: MIN, max: MAX }), fc.integer({ min: 0, max: 999_999_999 }))
  .map(([seconds, nanos]) => new CelTimestamp(seconds, nanos));
const duration = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(10n ** 10n), max: 10n ** 10n }),
  )
  .map((nanos) => new CelDuration(nanos));

/** Each with what Date has in its place. */
const getters = {
  getFullYear: { get: getFullYear, ofDate: (date: Date) => date.getUTCFullYear() },
  getMonth: { get: getMonth, ofDate: (date: Date) => date.getUTCMonth() },
  getDate: { get: getDate, ofDate: (date: Date) => date.getUTCDate() },
  getDayOfMonth: { get: getDayOfMonth, ofDate: (date: Date) => date.getUTCDate() - 1 },
  getDayOfYear: {
    get: getDayOfYear,
    ofDate: (date: Date) => Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 1)) / 86_400_000),
  },
  getDayOfWeek: { get: getDayOfWeek, ofDate: (date: Date) => date.getUTCDay() },
  getHours: { get: getHours, ofDate: (date: Date) => date.getUTCHours() },
  getMinutes: { get: getMinutes, ofDate: (date: Date) => date.getUTCMinutes() },
  getSeconds: { get: getSeconds, ofDate: (date: Date) => date.getUTCSeconds() },
  getMilliseconds: { get: getMilliseconds, ofDate: (date: Date) => date.getUTCMilliseconds() },
} as const;
const names = Object.keys(getters) as (keyof typeof getters)[];

describe("parseTimestamp", () => {
  test.each([
    { text: "1970-01-01T00:00:00Z", seconds: 0, nanos: 0 },
    { text: "2009-02-13T23:31:30Z", seconds: 1_234_567_890, nanos: 0 },
    { text: "2009-02-13T23:31:30.5Z", seconds: 1_234_567_890, nanos: 500_000_000 },
    { text: "2009-02-13T23:31:30.123456789Z", seconds: 1_234_567_890, nanos: 123_456_789 },
    { text: "2009-02-13T23:31:30.9999999999999Z", seconds: 1_234_567_890, nanos: 999_999_999 },
    { text: "2009-02-13T23:31:30,25Z", seconds: 1_234_567_890, nanos: 250_000_000 },
    { text: "2009-02-14T00:31:30+01:00", seconds: 1_234_567_890, nanos: 0 },
    { text: "2009-02-13T21:01:30-02:30", seconds: 1_234_567_890, nanos: 0 },
    { text: "2009-02-13T23:31:30+00:00", seconds: 1_234_567_890, nanos: 0 },
    { text: "2009-02-13T23:31:30-00:00", seconds: 1_234_567_890, nanos: 0 },
    { text: "2009-02-15T00:31:30+24:60", seconds: 1_234_567_890, nanos: 0 },
    { text: "1970-01-01T1:02:03Z", seconds: 3723, nanos: 0 },
    { text: "2000-02-29T00:00:00Z", seconds: 951_782_400, nanos: 0 },
    { text: "2024-12-31T23:59:59Z", seconds: 1_735_689_599, nanos: 0 },
    { text: "0001-01-01T00:00:00Z", seconds: MIN, nanos: 0 },
    { text: "0000-12-31T23:00:00-01:00", seconds: MIN, nanos: 0 },
    { text: "9999-12-31T23:59:59.999999999Z", seconds: MAX, nanos: 999_999_999 },
    { text: `1970-01-01T00:00:00.${"0".repeat(10_000)}1Z`, seconds: 0, nanos: 0 },
  ])("$text", ({ text, seconds, nanos }) => {
    const parsed = parseTimestamp(text);
    expect([parsed.seconds, parsed.nanos]).toEqual([seconds, nanos]);
  });

  test.each([
    "",
    "2009-02-13",
    "2009-02-13T23:31Z",
    "2009-02-13 23:31:30Z",
    "2009-02-13t23:31:30Z",
    "2009-02-13T23:31:30z",
    "2009-02-13T23:31:30",
    "2009-02-13T23:31:30.Z",
    "2009-02-13T23:31:30.5",
    "2009-02-13T23:31:30Z ",
    " 2009-02-13T23:31:30Z",
    "2009-02-13T23:31:30Z+01:00",
    "2009-02-13T23:31:30+01",
    "2009-02-13T23:31:30+0100",
    "2009-02-13T23:31:30+1:00",
    "2009-02-13T23:31:30+-1:00",
    "2009-02-13T23:31:30+01:-1",
    "2009-02-13T23:31:30+00:61",
    "2009-02-13T23:31:30-24:61",
    "2009-02-13T23:31:30+25:00",
    "2009-02-13T23:31:30-25:00",
    "2009-02-13T23:31:30+99:99",
    "2009-02-13T24:00:00Z",
    "2009-02-13T23:60:00Z",
    "2016-12-31T23:59:60Z",
    "2009-02-13T23:1:00Z",
    "2009-2-13T23:31:30Z",
    "2009-02-1T23:31:30Z",
    "2009-00-13T23:31:30Z",
    "2009-13-13T23:31:30Z",
    "2009-02-00T23:31:30Z",
    "2009-02-29T23:31:30Z",
    "1900-02-29T00:00:00Z",
    "2009-04-31T00:00:00Z",
    "2009-12-32T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "+2009-02-13T23:31:30Z",
    "-009-02-13T23:31:30Z",
    "٢٠٠٩-02-13T23:31:30Z",
    "Fri, 13 Feb 2009 23:31:30 GMT",
  ])("rejects %j", (text) => {
    expect(() => parseTimestamp(text)).toThrow(refused);
  });

  test.each([
    "0000-01-01T00:00:00Z",
    "0000-12-31T23:59:59.999999999Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
  ])("rejects %s, which is out of range", (text) => {
    expect(() => parseTimestamp(text)).toThrow(overflow);
  });

  test("parses what it formatted", () => {
    fc.assert(
      fc.property(timestamp, (value) => {
        expect(parseTimestamp(formatTimestamp(value))).toEqual(value);
      }),
      { numRuns: runs(1000) },
    );
  });

  test("parses formatted timestamps with an offset", () => {
    const offset = fc.integer({ min: -(24 * 60 + 59), max: 24 * 60 + 59 });
    const moderate = fc.integer({ min: MIN + 400_000, max: MAX - 400_000 });
    fc.assert(
      fc.property(moderate, offset, (seconds, minutes) => {
        const local = formatTimestamp(new CelTimestamp(seconds + minutes * 60, 7)).slice(0, -1);
        const clock = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
          .map((part) => String(part).padStart(2, "0"))
          .join(":");
        const text = `${local}${minutes === 0 ? "Z" : (minutes < 0 ? "-" : "+") + clock}`;
        const parsed = parseTimestamp(text);
        expect([parsed.seconds, parsed.nanos]).toEqual([seconds, 7]);
        expect(formatTimestamp(parsed)).toBe(text);
      }),
    );
  });

  test("parses the same time as Date", () => {
    const date = fc.date({ min: new Date(MIN * 1000), max: new Date(MAX * 1000), noInvalidDate: true });
    fc.assert(
      fc.property(date, (value) => {
        const { seconds, nanos } = parseTimestamp(value.toISOString());
        expect(seconds * 1000 + nanos / 1e6).toBe(value.getTime());
      }),
    );
  });

  test("returns a timestamp or a fault for any string", () => {
    const part = fc.constantFrom(
      "2009",
      "-",
      "02",
      "13",
      "T",
      "23",
      ":",
      ".",
      ",",
      "9",
      "Z",
      "+",
      "00",
      "60",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        try {
          expect(parseTimestamp(parts.join(""))).toBeInstanceOf(CelTimestamp);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
    );
  });
});

describe("formatTimestamp", () => {
  test.each([
    { seconds: 0, nanos: 0, text: "1970-01-01T00:00:00Z" },
    { seconds: -1, nanos: 1, text: "1969-12-31T23:59:59.000000001Z" },
    { seconds: 1_234_567_890, nanos: 120_000_000, text: "2009-02-13T23:31:30.12Z" },
    { seconds: MIN, nanos: 0, text: "0001-01-01T00:00:00Z" },
    { seconds: MAX, nanos: 999_999_999, text: "9999-12-31T23:59:59.999999999Z" },
    // Only a message can have these.
    { seconds: MAX + 1, nanos: 0, text: "10000-01-01T00:00:00Z" },
    { seconds: MIN - 1, nanos: 0, text: "0000-12-31T23:59:59Z" },
    { seconds: MIN - 366 * 86_400 - 1, nanos: 0, text: "-0001-12-31T23:59:59Z" },
  ])("$text", ({ seconds, nanos, text }) => {
    expect(formatTimestamp(new CelTimestamp(seconds, nanos))).toBe(text);
  });

  test("keeps the offset, as Go does", () => {
    expect(formatTimestamp(parseTimestamp("2009-02-13T23:31:30.10+05:30"))).toBe(
      "2009-02-13T23:31:30.1+05:30",
    );
    expect(formatTimestamp(parseTimestamp("2009-02-13T23:31:30-24:60"))).toBe("2009-02-13T23:31:30-25:00");
    expect(formatTimestamp(parseTimestamp("2009-02-13T23:31:30-00:00"))).toBe("2009-02-13T23:31:30Z");
  });
});

describe("timestampFromSeconds and timestampOf", () => {
  test("accepts the years 1 to 9999", () => {
    expect(timestampFromSeconds(BigInt(MIN))).toEqual(new CelTimestamp(MIN, 0));
    expect(timestampFromSeconds(BigInt(MAX))).toEqual(new CelTimestamp(MAX, 0));
    for (const seconds of [BigInt(MIN) - 1n, BigInt(MAX) + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(() => timestampFromSeconds(seconds)).toThrow(overflow);
    }
  });

  test.each([
    { seconds: 1n, nanos: 5, wanted: new CelTimestamp(1, 5) },
    { seconds: 1n, nanos: -1, wanted: new CelTimestamp(0, 999_999_999) },
    { seconds: 1n, nanos: 2_000_000_001, wanted: new CelTimestamp(3, 1) },
    { seconds: BigInt(MAX) + 1n, nanos: 0, wanted: new CelTimestamp(MAX + 1, 0) },
  ])("$seconds s and $nanos ns", ({ seconds, nanos, wanted }) => {
    expect(timestampOf(seconds, nanos)).toEqual(wanted);
  });
});

describe("addDuration, subtractDuration, subtractTimestamps, compareTimestamps", () => {
  const nanosOf = ({ seconds, nanos }: CelTimestamp) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);

  test("adds and subtracts a duration", () => {
    const check = (total: bigint, run: () => CelTimestamp) => {
      const inRange = total >= BigInt(MIN) * 1_000_000_000n && total < BigInt(MAX + 1) * 1_000_000_000n;
      if (!inRange) return expect(run).toThrow(overflow);
      const sum = run();
      expect(nanosOf(sum)).toBe(total);
      expect(sum.nanos).toBeGreaterThanOrEqual(0);
      expect(sum.nanos).toBeLessThan(1e9);
    };
    fc.assert(
      fc.property(timestamp, duration, (value, by) => {
        check(nanosOf(value) + by.nanos, () => addDuration(value, by));
        if (by.nanos === -(2n ** 63n)) return;
        check(nanosOf(value) - by.nanos, () => subtractDuration(value, by));
      }),
      { numRuns: runs(1000) },
    );
  });

  test.each([
    { start: "9999-12-31T23:59:59.999999999Z", nanos: 1n },
    { start: "9999-12-31T23:59:59Z", nanos: 1_000_000_000n },
    { start: "0001-01-01T00:00:00Z", nanos: -1n },
  ])("$start plus $nanos ns is out of range", ({ start, nanos }) => {
    expect(() => addDuration(parseTimestamp(start), new CelDuration(nanos))).toThrow(overflow);
    expect(() => subtractDuration(parseTimestamp(start), new CelDuration(-nanos))).toThrow(overflow);
  });

  test("keeps the offset", () => {
    const sum = addDuration(parseTimestamp("2009-02-13T23:31:30+01:00"), new CelDuration(1_800_000_000_000n));
    expect(formatTimestamp(sum)).toBe("2009-02-14T00:01:30+01:00");
  });

  test("the lowest duration cannot be subtracted", () => {
    expect(() => subtractDuration(new CelTimestamp(0, 0), new CelDuration(-(2n ** 63n)))).toThrow(
      fault("integer overflow"),
    );
  });

  test("the difference undoes the sum", () => {
    fc.assert(
      fc.property(timestamp, timestamp, (a, b) => {
        const difference = nanosOf(a) - nanosOf(b);
        const whole = BigInt(a.seconds - b.seconds) * 1_000_000_000n;
        const fits = [difference, whole].every((value) => BigInt.asIntN(64, value) === value);
        if (fits) expect(subtractTimestamps(a, b).nanos).toBe(difference);
        else expect(() => subtractTimestamps(a, b)).toThrow(fault("integer overflow"));
      }),
      { numRuns: runs(1000) },
    );
  });

  test("compares by the instant", () => {
    fc.assert(
      fc.property(timestamp, timestamp, (a, b) => {
        const difference = nanosOf(a) - nanosOf(b);
        expect(compareTimestamps(a, b)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
        expect(compareTimestamps(a, new CelTimestamp(a.seconds, a.nanos))).toBe(0);
      }),
    );
    const here = parseTimestamp("2009-02-14T00:31:30+01:00");
    expect(compareTimestamps(here, parseTimestamp("2009-02-13T23:31:30Z"))).toBe(0);
    expect(compareTimestamps(new CelTimestamp(1, 2), new CelTimestamp(1, 3))).toBe(-1);
    expect(compareTimestamps(new CelTimestamp(1, 3), new CelTimestamp(1, 2))).toBe(1);
  });
});

describe("getters of timestamps", () => {
  test.each(names)("%s returns the value of Date", (name) => {
    fc.assert(
      fc.property(timestamp, (value) => {
        const date = new Date(value.seconds * 1000 + Math.floor(value.nanos / 1e6));
        expect(getters[name].get(value)).toBe(getters[name].ofDate(date));
        expect(getters[name].get(value, "UTC")).toBe(getters[name].ofDate(date));
      }),
      { numRuns: runs(500) },
    );
  });

  test.each(names)("%s respects an offset", (name) => {
    fc.assert(
      fc.property(timestamp, fc.integer({ min: -900, max: 900 }), (value, minutes) => {
        const date = new Date((value.seconds + minutes * 60) * 1000 + Math.floor(value.nanos / 1e6));
        expect(getters[name].get(value, `00:${minutes}`)).toBe(getters[name].ofDate(date));
      }),
    );
  });

  test("each day of 400 years and of the ends is a date", () => {
    const dayOf = (days: number) => {
      const value = new CelTimestamp(days * 86_400, 0);
      const date = new Date(days * 86_400_000);
      return names.every((name) => getters[name].get(value) === getters[name].ofDate(date));
    };
    const starts = [MIN / 86_400 - 800, -719_528, 0, Math.floor(MAX / 86_400) - 800];
    const lengths = [1600, 800, 146_097, 1600];
    const wrong = starts.flatMap((start, index) =>
      Array.from({ length: lengths[index]! }, (_, day) => start + day).filter((days) => !dayOf(days)),
    );
    expect(wrong).toEqual([]);
  });

  test("use the parsed offset unless a zone is given", () => {
    const value = parseTimestamp("2009-02-14T00:31:30+01:00");
    expect([getDate(value), getHours(value), getMinutes(value)]).toEqual([14, 0, 31]);
    expect([getDate(value, "UTC"), getHours(value, "")]).toEqual([13, 23]);
  });

  test.each(names)("%s rejects an invalid zone", (name) => {
    expect(() => getters[name].get(new CelTimestamp(0, 0), "Nowhere")).toThrow(
      fault("unknown time zone Nowhere"),
    );
  });

  test("work far outside the years of a timestamp", () => {
    for (const seconds of [2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 8.64e12 + 1]) {
      for (const name of names) {
        expect(Number.isInteger(getters[name].get(new CelTimestamp(seconds, 0), "Europe/Berlin"))).toBe(true);
      }
    }
    expect(getFullYear(new CelTimestamp(2 ** 53, 0))).toBe(285_428_751);
  });
});

describe("getters of timestamps: conformance", () => {
  const wanted = /^timestamp\('([^']*)'\)\.(\w+)\((?:'([^']*)')?\)$/;
  const cases = [...expressions(getConformanceSuite())].flatMap(({ text, value }) => {
    const [, time = "", getter = "", zone] = wanted.exec(text) ?? [];
    return getter === "" ? [] : [{ text, time, getter: getter as keyof typeof getters, zone, value }];
  });

  test("has cases for the getters", () => {
    expect(cases.length).toBeGreaterThanOrEqual(22);
  });

  test.each(cases)("$text", ({ time, getter, zone, value }) => {
    const get: TimestampGetter = getters[getter].get;
    const got = zone === undefined ? get(parseTimestamp(time)) : get(parseTimestamp(time), zone);
    expect(BigInt(got)).toBe(value);
  });
});

type Suite = ReturnType<typeof getConformanceSuite>;

function* expressions(suite: Suite | Suite["suites"][number]): Generator<{ text: string; value: unknown }> {
  for (const inner of suite.suites) yield* expressions(inner);
  for (const { original } of suite.tests) {
    const { value } = original.resultMatcher;
    if (typeof value === "object" && "kind" in value) yield { text: original.expr, value: value.kind.value };
  }
}
