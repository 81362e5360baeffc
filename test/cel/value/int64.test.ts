import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/cel/value/fault.js";
import {
  addInt,
  addUint,
  compareNumbers,
  divideInt,
  divideUint,
  doubleToInt,
  doubleToUint,
  INT64_MAX,
  INT64_MIN,
  intToUint,
  moduloInt,
  moduloUint,
  multiplyInt,
  multiplyUint,
  negateInt,
  subtractInt,
  subtractUint,
  UINT64_MAX,
  uintToInt,
} from "../../../src/cel/value/int64.js";
import { CelUint } from "../../../src/cel/value/value.js";

type Binary = (a: bigint, b: bigint) => bigint;

const int64 = fc.oneof(
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
  fc.bigInt({ min: -5n, max: 5n }),
  fc.constantFrom(INT64_MIN, INT64_MIN + 1n, INT64_MAX, -(2n ** 31n), 2n ** 32n),
);
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: UINT64_MAX }), fc.bigInt({ min: 0n, max: 5n }));

function faultOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

describe("64-bit arithmetic", () => {
  const exact: readonly { readonly name: string; readonly checked: Binary; readonly plain: Binary }[] = [
    { name: "addInt", checked: addInt, plain: (a, b) => a + b },
    { name: "subtractInt", checked: subtractInt, plain: (a, b) => a - b },
    { name: "multiplyInt", checked: multiplyInt, plain: (a, b) => a * b },
    { name: "divideInt", checked: divideInt, plain: (a, b) => a / b },
  ];

  test.each(exact)("$name: returns 64-bit results, otherwise a fault", ({ name, checked, plain }) => {
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        fc.pre(name !== "divideInt" || b !== 0n);
        const value = plain(a, b);
        const fits = BigInt.asIntN(64, value) === value;
        if (fits) expect(checked(a, b)).toBe(value);
        else expect(faultOf(() => checked(a, b))).toBe("integer overflow");
      }),
    );
  });

  test.each([
    { name: "addUint", checked: addUint, plain: (a: bigint, b: bigint) => a + b },
    { name: "subtractUint", checked: subtractUint, plain: (a: bigint, b: bigint) => a - b },
    { name: "multiplyUint", checked: multiplyUint, plain: (a: bigint, b: bigint) => a * b },
  ])("$name: returns 64-bit results, otherwise a fault", ({ checked, plain }) => {
    fc.assert(
      fc.property(uint64, uint64, (a, b) => {
        const value = plain(a, b);
        if (BigInt.asUintN(64, value) === value) expect(checked(a, b)).toBe(value);
        else expect(faultOf(() => checked(a, b))).toBe("unsigned integer overflow");
      }),
    );
  });

  test("divideInt, moduloInt: quotient and remainder give the dividend", () => {
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        fc.pre(b !== 0n && !(a === INT64_MIN && b === -1n));
        expect(divideInt(a, b) * b + moduloInt(a, b)).toBe(a);
      }),
    );
    fc.assert(
      fc.property(uint64, uint64, (a, b) => {
        fc.pre(b !== 0n);
        expect(divideUint(a, b) * b + moduloUint(a, b)).toBe(a);
      }),
    );
  });

  test.each([
    { name: "15 / 0", run: () => divideInt(15n, 0n), fault: "division by zero" },
    { name: "15u / 0u", run: () => divideUint(15n, 0n), fault: "division by zero" },
    { name: "34 % 0", run: () => moduloInt(34n, 0n), fault: "modulus by zero" },
    { name: "34u % 0u", run: () => moduloUint(34n, 0n), fault: "modulus by zero" },
    { name: "-2⁶³ / -1", run: () => divideInt(INT64_MIN, -1n), fault: "integer overflow" },
    { name: "-2⁶³ % -1", run: () => moduloInt(INT64_MIN, -1n), fault: "integer overflow" },
    { name: "-(-2⁶³)", run: () => negateInt(INT64_MIN), fault: "integer overflow" },
    { name: "uint(-1)", run: () => intToUint(-1n), fault: "unsigned integer overflow" },
    { name: "int(2⁶³)", run: () => uintToInt(2n ** 63n), fault: "integer overflow" },
  ])("$name: $fault", ({ run, fault }) => {
    expect(faultOf(run)).toBe(fault);
  });

  test.each([
    { name: "43 % -5", value: moduloInt(43n, -5n), wanted: 3n },
    { name: "-42 % -5", value: moduloInt(-42n, -5n), wanted: -2n },
    { name: "-3 % 5", value: moduloInt(-3n, 5n), wanted: -3n },
    { name: "-7 / 2", value: divideInt(-7n, 2n), wanted: -3n },
    { name: "-(-42)", value: negateInt(-42n), wanted: 42n },
    { name: "uint(2⁶³ - 1)", value: intToUint(INT64_MAX), wanted: INT64_MAX },
    { name: "int(0u)", value: uintToInt(0n), wanted: 0n },
  ])("$name is $wanted", ({ value, wanted }) => {
    expect(value).toBe(wanted);
  });
});

describe("doubleToInt, doubleToUint", () => {
  test.each([
    { value: 1.9, int: 1n, uint: 1n },
    { value: -7.9, int: -7n, uint: undefined },
    { value: -0.5, int: 0n, uint: undefined },
    { value: -0, int: 0n, uint: 0n },
    { value: 2 ** 55, int: 36028797018963968n, uint: 36028797018963968n },
    { value: 2 ** 63 - 1024, int: 2n ** 63n - 1024n, uint: 2n ** 63n - 1024n },
    { value: 2 ** 63, int: undefined, uint: 2n ** 63n },
    { value: -(2 ** 63), int: undefined, uint: undefined },
    { value: -(2 ** 63) + 1024, int: -(2n ** 63n) + 1024n, uint: undefined },
    { value: 2 ** 64 - 2048, int: undefined, uint: 2n ** 64n - 2048n },
    { value: 2 ** 64, int: undefined, uint: undefined },
    { value: 1e99, int: undefined, uint: undefined },
    { value: Number.NaN, int: undefined, uint: undefined },
    { value: Number.POSITIVE_INFINITY, int: undefined, uint: undefined },
    { value: Number.NEGATIVE_INFINITY, int: undefined, uint: undefined },
  ])("$value: int $int, uint $uint", ({ value, int, uint }) => {
    if (int === undefined) expect(faultOf(() => doubleToInt(value))).toBe("integer overflow");
    else expect(doubleToInt(value)).toBe(int);
    if (uint === undefined) expect(faultOf(() => doubleToUint(value))).toBe("unsigned integer overflow");
    else expect(doubleToUint(value)).toBe(uint);
  });
});

describe("compareNumbers", () => {
  const uint = (value: bigint) => new CelUint(value);
  test.each([
    { name: "1 and 1u", a: 1n, b: uint(1n), order: 0 },
    { name: "-1 and a big uint", a: -1n, b: uint(UINT64_MAX), order: -1 },
    { name: "ints beyond 2⁵³", a: 2n ** 53n, b: 2n ** 53n + 1n, order: -1 },
    { name: "int and uint beyond 2⁵³", a: 2n ** 53n + 1n, b: uint(2n ** 53n), order: 1 },
    { name: "2⁵³ + 1 and 2⁵³ as a double, which cel-go rounds to", a: 2n ** 53n + 1n, b: 2 ** 53, order: 0 },
    { name: "the highest int and 2⁶³ as a double", a: INT64_MAX, b: 2 ** 63, order: 0 },
    { name: "the highest int and the double after 2⁶³", a: INT64_MAX, b: 2 ** 63 + 2048, order: -1 },
    { name: "the lowest int and -2⁶³ as a double", a: INT64_MIN, b: -(2 ** 63), order: 0 },
    { name: "the highest uint and 2⁶⁴ as a double", a: uint(UINT64_MAX), b: 2 ** 64, order: 0 },
    { name: "a double below zero and 0u", a: -0.5, b: uint(0n), order: -1 },
    { name: "1 and 1.5", a: 1n, b: 1.5, order: -1 },
    { name: "zeros of both signs", a: -0, b: 0, order: 0 },
    { name: "an int and infinity", a: INT64_MAX, b: Number.POSITIVE_INFINITY, order: -1 },
    { name: "NaN and NaN", a: Number.NaN, b: Number.NaN, order: undefined },
    { name: "1 and NaN", a: 1n, b: Number.NaN, order: undefined },
    { name: "NaN and 1u", a: Number.NaN, b: uint(1n), order: undefined },
  ])("$name: $order", ({ a, b, order }) => {
    expect(compareNumbers(a, b)).toBe(order);
    expect(compareNumbers(b, a)).toBe(order === undefined ? undefined : order === 0 ? 0 : -order);
  });

  test("is a total order among ints and uints", () => {
    const integer = fc.oneof(int64, uint64.map(uint));
    const exactly = (value: bigint | CelUint) => (value instanceof CelUint ? value.value : value);
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        const difference = exactly(a) - exactly(b);
        expect(compareNumbers(a, b)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
    );
  });

  test("compares as doubles if one is a double", () => {
    fc.assert(
      fc.property(int64, fc.double({ noNaN: true }), (a, b) => {
        expect(compareNumbers(a, b)).toBe(Number(a) < b ? -1 : Number(a) > b ? 1 : 0);
      }),
    );
  });
});
