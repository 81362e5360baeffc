import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareAddresses, joinAddresses, lastAtOrBefore } from "../../src/net/address-order.js";

/** Words that are often equal, and those that are negative in signed arithmetic. */
const word = fc.constantFrom(0, 1, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff);
const address = fc
  .array(word, { minLength: 4, maxLength: 4 })
  .map((words): Uint32Array => Uint32Array.from(words));

function numberOf(words: Uint32Array): bigint {
  return words.reduce((number, one) => (number << 32n) | BigInt(one), 0n);
}

describe("compareAddresses", () => {
  test("orders addresses as numbers", () => {
    fc.assert(
      fc.property(address, address, (left, right) => {
        const [a, b] = [numberOf(left), numberOf(right)];
        expect(Math.sign(compareAddresses(left, right))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});

describe("lastAtOrBefore", () => {
  test("finds the last address that is not greater", () => {
    fc.assert(
      fc.property(fc.array(address, { maxLength: 20 }), address, (addresses, one) => {
        const sorted = [...addresses].sort(compareAddresses);
        const expected = sorted.filter((other) => numberOf(other) <= numberOf(one)).length - 1;
        expect(lastAtOrBefore(joinAddresses(sorted), one)).toBe(expected);
      }),
    );
  });
});
