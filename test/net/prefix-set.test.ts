import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Address,
  compilePrefixSet,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixContains,
} from "../../src/net/index.js";
import { runs } from "../support/amount.js";
import { toWords } from "./naive.js";

/** Values with common leading bits, so that their prefixes nest. */
const value = fc
  .tuple(
    fc.constantFrom(0n, 0xffffn << 32n, 0xfffen << 32n, 0xfd00n << 112n, (1n << 128n) - 1n),
    fc.bigInt({ min: 0n, max: 0xffn }),
    fc.constantFrom(0n, 8n, 16n, 24n, 64n, 90n, 120n),
  )
  .map(([base, bits, shift]) => base ^ (bits << shift));
const hex = (value: bigint) => (value.toString(16).padStart(32, "0").match(/.{4}/g) ?? []).join(":");
const prefix: fc.Arbitrary<Prefix> = fc.oneof(
  fc.tuple(value, fc.nat(128)).map(([bits, length]) => prefixOf(`${hex(bits)}/${length}`)),
  fc
    .tuple(fc.array(fc.constantFrom(0, 1, 10, 127, 128, 255), { minLength: 4, maxLength: 4 }), fc.nat(32))
    .map(([octets, length]) => prefixOf(`${octets.join(".")}/${length}`)),
);

function prefixOf(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed;
}

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

/** The ends of a prefix, and their neighbors. */
function edgesOf({ words, mask }: Prefix): Address[] {
  const join = (parts: readonly number[]) =>
    parts.reduce((all, part) => (all << 32n) | BigInt(part >>> 0), 0n);
  const first = join([...words]);
  const last = join([...words].map((word, index) => word | ~mask[index]!));
  const most = (1n << 128n) - 1n;
  return [first, last, first === 0n ? most : first - 1n, last === most ? 0n : last + 1n].map(toWords);
}

describe("compilePrefixSet", () => {
  test.each([
    { prefixes: [], address: "10.0.0.1", contained: false },
    { prefixes: ["0.0.0.0/0"], address: "255.255.255.255", contained: true },
    { prefixes: ["0.0.0.0/0"], address: "::1", contained: false },
    { prefixes: ["::/0"], address: "10.0.0.1", contained: false },
    { prefixes: ["::/0"], address: "::ffff:10.0.0.1", contained: false },
    { prefixes: ["::/0"], address: "ffff::", contained: true },
    { prefixes: ["::/0", "10.0.0.0/8"], address: "10.0.0.1", contained: true },
    { prefixes: ["::ffff:10.0.0.0/104"], address: "10.1.1.1", contained: true },
    { prefixes: ["::ffff:0:0/95"], address: "10.1.1.1", contained: false },
    { prefixes: ["10.0.0.0/24", "10.0.0.0/8"], address: "10.9.0.0", contained: true },
    { prefixes: ["10.0.0.0/25", "10.0.0.128/25"], address: "10.0.0.127", contained: true },
    { prefixes: ["10.0.0.0/25", "10.0.0.128/25"], address: "10.0.0.255", contained: true },
    { prefixes: ["10.0.0.0/25", "10.0.1.0/25"], address: "10.0.0.128", contained: false },
    { prefixes: ["255.255.255.255/32", "0.0.0.0/32"], address: "255.255.255.255", contained: true },
    { prefixes: ["255.255.255.255/32", "0.0.0.0/32"], address: "255.255.255.254", contained: false },
    { prefixes: ["fd00::/8", "fd00:1::/32", "fe00::/8"], address: "fd00:2::1", contained: true },
    { prefixes: ["fd00::/16", "fe00::/16"], address: "fd01::", contained: false },
  ])("returns $contained for $address in $prefixes", ({ prefixes, address, contained }) => {
    expect(compilePrefixSet(prefixes.map(prefixOf))(addressOf(address))).toBe(contained);
  });

  test("contains the addresses of all prefixes", () => {
    const seen = { inside: 0, outside: 0 };
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 20 }),
        fc.array(value, { maxLength: 5 }),
        (prefixes, values) => {
          const contains = compilePrefixSet(prefixes);
          for (const address of [...prefixes.flatMap(edgesOf), ...values.map(toWords)]) {
            const expected = prefixes.some((one) => prefixContains(one, address));
            seen[expected ? "inside" : "outside"]++;
            expect(contains(address)).toBe(expected);
          }
        },
      ),
      { numRuns: runs(1000) },
    );
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(runs(1000));
  });

  test("searches 10,000 prefixes with few comparisons", () => {
    const prefixes = Array.from({ length: 10_000 }, (_, index) =>
      prefixOf(
        index % 2 === 0
          ? `10.${index >> 8}.${index & 255}.0/${22 + (index % 11)}`
          : `fd00:${index.toString(16)}::/${30 + (index % 20)}`,
      ),
    );
    const contains = compilePrefixSet(prefixes);
    for (let index = 0; index < prefixes.length; index += 37) {
      for (const address of edgesOf(prefixes[index]!)) {
        expect(contains(address)).toBe(prefixes.some((one) => prefixContains(one, address)));
      }
    }
    let reads = 0;
    const counting = new Proxy(addressOf("fd00:1233::1"), {
      get: (words, index) => {
        reads++;
        return Reflect.get(words, index);
      },
    });
    expect(contains(counting)).toBe(true);
    expect(reads).toBeLessThan(100);
  });
});
