import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDurations,
  compareDurations,
  durationHours,
  durationMilliseconds,
  durationMinutes,
  durationOf,
  durationSeconds,
  formatDuration,
  parseDuration,
  subtractDurations,
} from "../../../src/cel/value/duration.js";
import { Fault } from "../../../src/cel/value/fault.js";
import { CelDuration } from "../../../src/cel/value/value.js";
import { runs } from "../../support/amount.js";

const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 63n - 1n;

const refused = new Fault(
  "type conversion error from 'string' to 'google.protobuf.Duration'",
) as unknown as Error;
const overflow = new Fault("integer overflow") as unknown as Error;
const anyNanos = fc.oneof(
  fc.bigInt({ min: LOWEST, max: HIGHEST }),
  fc.constantFrom(LOWEST, HIGHEST, 0n, 1n, -1n),
);

describe("parseDuration", () => {
  test.each([
    ["0", 0n],
    ["+0", 0n],
    ["-0", 0n],
    ["0s", 0n],
    ["1h30m", 5_400_000_000_000n],
    ["-1.5h", -5_400_000_000_000n],
    [".5s", 500_000_000n],
    ["+5.s", 5_000_000_000n],
    ["1\u00b5s", 1000n],
    ["1\u03bcs", 1000n],
    ["1us1ns", 1001n],
    ["1s1s", 2_000_000_000n],
    ["3ms2h", 7_200_003_000_000n],
    ["1.9999ns", 1n],
    ["0.3333333333333333333h", 1_200_000_000_000n],
    // Cut off when 63 bits are full.
    ["0.9223372036854775807h", 3_320_413_933_267n],
    ["0.100000000000000000000h", 360_000_000_000n],
    ["0.830103483285477580700h", 2_988_372_539_827n],
    ["9007199254.740993s", 9_007_199_254_740_993_000n],
    [`0.${"0".repeat(500)}1s`, 0n],
    [`${"0".repeat(500)}1s`, 1_000_000_000n],
    ["9223372036854775807ns", HIGHEST],
    ["9223372036854775.807us", HIGHEST],
    ["9223372036s854ms775us807ns", HIGHEST],
    ["-9223372036854775808ns", LOWEST],
    ["-9223372036854775.808us", LOWEST],
    ["-2562047h47m16.854775808s", LOWEST],
    // Twice 2⁶³ is zero in 64 bits, which Go does not notice.
    ["9223372036854775808ns9223372036854775808ns7s", 7_000_000_000n],
  ])("%s", (text, nanos) => {
    expect(parseDuration(text).nanos).toBe(nanos);
  });

  test.each([
    "",
    "-",
    "+",
    "3",
    "00",
    "s",
    ".s",
    "-.s",
    "1",
    "1d",
    "1H",
    "1 s",
    " 1s",
    "1s ",
    "1s-1s",
    "--1s",
    "1e3s",
    "1_0s",
    "1..5s",
    "1.5.5s",
    "١s",
    "9223372036854775808ns",
    "9223372036854775.808us",
    "-9223372036854775809ns",
    "9223372036854775808ns1ns",
    "3000000h",
    "-320000000000s",
    "320000000000s",
    "9223372036s854ms775us808ns",
    "100000000000000000000ns",
  ])("rejects %j", (text) => {
    expect(() => parseDuration(text)).toThrow(refused);
  });

  test("parses a duration in nanoseconds", () => {
    fc.assert(
      fc.property(anyNanos, (nanos) => {
        expect(parseDuration(`${nanos}ns`).nanos).toBe(nanos);
      }),
    );
  });

  test("parses formatted durations that a double represents exactly", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (nanos) => {
        expect(parseDuration(formatDuration(new CelDuration(nanos))).nanos).toBe(nanos);
      }),
      { numRuns: runs(1000) },
    );
  });

  test("returns a duration or a fault for any string", () => {
    const unit = fc.constantFrom("1", "9", "0", ".", "h", "m", "s", "n", "u", "µ", "-", "+", " ");
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        try {
          const { nanos } = parseDuration(text);
          expect(BigInt.asIntN(64, nanos)).toBe(nanos);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test("needs linear time for long hostile strings", () => {
    for (const text of ["1", "0", ".", "1s", "s", "0.0s"]) {
      try {
        parseDuration(text.repeat(100_000));
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
      }
    }
  });
});

describe("formatDuration", () => {
  test.each([
    [0n, "0s"],
    [1n, "0.000000001s"],
    [-1n, "-0.000000001s"],
    [123n, "0.000000123s"],
    [1000n, "0.000001s"],
    [1_500_000_000n, "1.5s"],
    [-1_500_000_000n, "-1.5s"],
    [1_000_000_000_000_000n, "1000000s"],
    [3_723_000_000_001n, "3723.000000001s"],
    // The digits that a double has.
    [HIGHEST, "9223372036.854776s"],
    [LOWEST, "-9223372036.854776s"],
  ])("%d: %s", (nanos, text) => {
    expect(formatDuration(new CelDuration(nanos))).toBe(text);
  });
});

describe("durationHours, durationMinutes, durationSeconds, durationMilliseconds", () => {
  test.each([
    { text: "10000s", hours: 2, minutes: 166, seconds: 10_000, milliseconds: 10_000_000 },
    { text: "3730s", hours: 1, minutes: 62, seconds: 3730, milliseconds: 3_730_000 },
    { text: "123.321456789s", hours: 0, minutes: 2, seconds: 123, milliseconds: 123_321 },
    { text: "-1.9s", hours: 0, minutes: 0, seconds: -1, milliseconds: -1900 },
    { text: "-0.9ms", hours: 0, minutes: 0, seconds: 0, milliseconds: 0 },
    { text: "59m59.999999999s", hours: 0, minutes: 59, seconds: 3599, milliseconds: 3_599_999 },
    // So long that a double rounds it up.
    {
      text: "2562046h59m59.999999999s",
      hours: 2_562_047,
      minutes: 153_722_820,
      seconds: 9_223_369_200,
      milliseconds: 9_223_369_199_999,
    },
  ])("$text", ({ text, hours, minutes, seconds, milliseconds }) => {
    const duration = parseDuration(text);
    expect(durationHours(duration)).toBe(hours);
    expect(durationMinutes(duration)).toBe(minutes);
    expect(durationSeconds(duration)).toBe(seconds);
    expect(durationMilliseconds(duration)).toBe(milliseconds);
  });
});

describe("addDurations, subtractDurations, compareDurations", () => {
  test("returns 64-bit results, otherwise a fault", () => {
    const check = (value: bigint, run: () => CelDuration) => {
      if (BigInt.asIntN(64, value) === value) expect(run().nanos).toBe(value);
      else expect(run).toThrow(overflow);
    };
    fc.assert(
      fc.property(anyNanos, anyNanos, (a, b) => {
        check(a + b, () => addDurations(new CelDuration(a), new CelDuration(b)));
        check(a - b, () => subtractDurations(new CelDuration(a), new CelDuration(b)));
      }),
    );
  });

  test("compares by length", () => {
    expect(compareDurations(new CelDuration(1n), new CelDuration(2n))).toBe(-1);
    expect(compareDurations(new CelDuration(2n), new CelDuration(1n))).toBe(1);
    expect(compareDurations(new CelDuration(-1n), new CelDuration(-1n))).toBe(0);
  });
});

describe("durationOf", () => {
  test.each([
    { seconds: 1n, nanos: 5, total: 1_000_000_005n },
    { seconds: 1n, nanos: -5, total: 999_999_995n },
    { seconds: -1n, nanos: 2_000_000_000, total: 1_000_000_000n },
    { seconds: 9_223_372_036n, nanos: 854_775_807, total: HIGHEST },
    { seconds: 9_223_372_036n, nanos: 854_775_808, total: HIGHEST },
    { seconds: -9_223_372_036n, nanos: -854_775_808, total: LOWEST },
    { seconds: -9_223_372_036n, nanos: -854_775_809, total: LOWEST },
    { seconds: 315_576_000_000n, nanos: 0, total: HIGHEST },
    { seconds: -315_576_000_000n, nanos: 0, total: LOWEST },
  ])("$seconds s and $nanos ns", ({ seconds, nanos, total }) => {
    expect(durationOf(seconds, nanos).nanos).toBe(total);
  });
});
