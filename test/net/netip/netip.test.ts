import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { goQuote } from "../../../src/go/strconv/quote.js";
import {
  compileNetipPrefixSet,
  createNetipAddressBuffer,
  formatNetipAddress,
  formatNetipPrefix,
  type NetipAddress,
  type NetipPrefix,
  netipPrefixContains,
  parseAddress,
  parseNetipAddress,
  parseNetipAddressInto,
  parseNetipPrefix,
} from "../../../src/net/index.js";
import { runs } from "../../support/amount.js";
import { addressValue, nearlyAddress, spelledAddress } from "../arbitrary.js";
import { fromWords, naiveFormatAddress } from "../naive.js";
import { naiveContains, naiveFormat, naiveParse, naiveParsePrefix } from "./naive.js";

const zone = fc.constantFrom("", "", "%", "%eth0", "%25eth0", "%a%b", "%\u00e9");
const text: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      nearlyAddress,
      spelledAddress.map((one) => one.text),
    ),
    zone,
  )
  .map((parts) => parts.join(""));
/** Prefixes of few addresses, so that they nest, in both families. */
const prefixText: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(nearbyAddress(), fc.nat(128)).map(([address, length]) => {
    return `${address}/${address.includes(":") ? length : length >> 2}`;
  }),
);

function nearbyAddress(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(
      ...[
        "10.0.0.0",
        "10.0.0.255",
        "10.128.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "fd00::",
        "fd00:1::",
      ],
      ...["::ffff:10.0.0.0", "::ffff:10.0.0.255", "::ffff:0:0", "::fffe:10.0.0.0", "::10.0.0.0"],
    ),
    addressValue.map(naiveFormatAddress),
  );
}

function addressOf(text: string): NetipAddress {
  const parsed = parseNetipAddress(text);
  if ("fault" in parsed) throw new Error(parsed.fault);
  return parsed.value;
}

function prefixOf(text: string): NetipPrefix {
  const parsed = parseNetipPrefix(text);
  if ("fault" in parsed) throw new Error(parsed.fault);
  return parsed.value;
}

function faultOf(text: string): string {
  const parsed = text.includes("/") ? parseNetipPrefix(text) : parseNetipAddress(text);
  return "fault" in parsed ? parsed.fault : "";
}

describe("parseNetipAddress and parseNetipPrefix: recorded results", () => {
  const rows = gunzipSync(readFileSync(join(import.meta.dirname, "../../vectors/netip-1.19.tsv.gz")))
    .toString()
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .map(([input = "", status = "", _, error = ""]) => ({
      input: JSON.parse(input) as string,
      accepted: status === "ok",
      error: JSON.parse(error) as string,
    }));

  test("are complete", () => {
    expect(rows.length).toBe(214);
    expect(rows.filter(({ accepted }) => accepted).length).toBeGreaterThan(40);
  });

  test("are returned with Go's error texts", () => {
    const wrong = rows.filter(({ input, accepted, error }) => {
      const what = input.includes("/") ? "prefix" : "address";
      const wanted = accepted ? "" : error.replace(`invalid IP ${what} ${goQuote(input)} in filter: `, "");
      return faultOf(input) !== wanted;
    });
    expect(wrong).toEqual([]);
  });

  test.each([
    [
      "::1:2:3:4:5:6:7:1.2.3.4",
      "too many hex fields to fit an embedded IPv4 at the end of the address",
      "1.2.3.4",
    ],
    [
      "1:2:3:4:5:6:7:1.2.3.4",
      "embedded IPv4 address must replace the final 2 fields of the address",
      "1.2.3.4",
    ],
    ["::1.2.3.x%eth0", "unexpected character", "x"],
    ["::g%eth0", "each colon-separated field must have at least one digit", "g"],
  ])("%s: %s", (input, reason, rest) => {
    expect(faultOf(input)).toBe(`ParseAddr("${input}"): ${reason} (at "${rest}")`);
  });

  test("a prefix without a slash has Go's error text", () => {
    expect(parseNetipPrefix("10.0.0.0")).toEqual({ fault: "netip.ParsePrefix(\"10.0.0.0\"): no '/'" });
  });
});

describe("parseNetipAddress", () => {
  test("accepts and rejects what a naive parser does, and formats alike", () => {
    const seen = { valid: 0, invalid: 0 };
    const buffer = createNetipAddressBuffer();
    fc.assert(
      fc.property(text, (input) => {
        const naive = naiveParse(input);
        const parsed = parseNetipAddress(input);
        expect(parseNetipAddressInto(input, buffer)).toBe(naive !== undefined);
        expect("value" in parsed).toBe(naive !== undefined);
        seen[naive === undefined ? "invalid" : "valid"]++;
        if (!("value" in parsed) || naive === undefined) return;
        const { family, words, zone } = parsed.value;
        expect(buffer).toEqual(parsed.value);
        expect({ width: family === 4 ? 32 : 128, zone }).toEqual({ width: naive.width, zone: naive.zone });
        expect(fromWords(words) & ((1n << BigInt(naive.width)) - 1n)).toBe(naive.value);
        expect(formatNetipAddress(parsed.value)).toBe(naiveFormat(naive));
        expect(addressOf(formatNetipAddress(parsed.value))).toEqual(parsed.value);
        // Without a zone, both packages of Go accept the same strings.
        expect(parseAddress(input)).toEqual(zone === "" ? words : undefined);
      }),
      { numRuns: runs(5000) },
    );
    expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(5);
  });

  test("reports a rest of the address only where it ends the address", () => {
    fc.assert(
      fc.property(text, (input) => {
        const rest = / \(at (".*")\)$/s.exec(faultOf(input.replaceAll("/", "")))?.[1];
        const body = input.replaceAll("/", "");
        if (rest === undefined) return;
        const ends = Array.from(body, (_, at) => body.slice(at));
        const withoutZone = body.split("%", 1)[0]!;
        ends.push(...Array.from(withoutZone, (_, at) => withoutZone.slice(at)));
        expect(ends.map(goQuote)).toContain(rest);
      }),
      { numRuns: runs(3000) },
    );
  });

  test("rejects values that are not strings", () => {
    expect(() => parseNetipAddress(1 as never)).toThrow("parseNetipAddress: text must be a string, not 1");
  });
});

describe("parseNetipPrefix", () => {
  test("accepts and rejects what a naive parser does", () => {
    const lengths = fc.constantFrom(
      "/0",
      "/8",
      "/08",
      "/32",
      "/33",
      "/128",
      "/129",
      "/",
      "/-1",
      "/+1",
      "/1_0",
      "",
    );
    fc.assert(
      fc.property(fc.tuple(text, lengths), (parts) => {
        const input = parts.join("");
        const naive = naiveParsePrefix(input);
        const parsed = parseNetipPrefix(input);
        expect("value" in parsed).toBe(naive !== undefined);
        if (!("value" in parsed) || naive === undefined) return;
        expect(parsed.value.length).toBe(naive.bits.length);
        expect(prefixOf(formatNetipPrefix(parsed.value))).toEqual(parsed.value);
      }),
      { numRuns: runs(5000) },
    );
  });

  test.each([
    ["1.2.3.4/8", "1.0.0.0/8"],
    ["::ffff:1.2.3.4/120", "::ffff:1.2.3.0/120"],
    ["::FFFF:0:0/95", "::fffe:0:0/95"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["FE80::1/128", "fe80::1/128"],
  ])("%s is %s", (input, formatted) => {
    expect(formatNetipPrefix(prefixOf(input))).toBe(formatted);
  });
});

describe("netipPrefixContains and compileNetipPrefixSet", () => {
  test.each([
    ["1.2.3.0/24", "1.2.3.4", true],
    ["1.2.3.0/24", "::ffff:1.2.3.4", false],
    ["0.0.0.0/0", "::ffff:1.2.3.4", false],
    ["::ffff:1.2.3.0/120", "1.2.3.4", false],
    ["::ffff:1.2.3.0/120", "::ffff:1.2.3.4", true],
    ["::ffff:0:0/96", "1.2.3.4", false],
    ["::ffff:0:0/95", "::ffff:1.2.3.4", true],
    ["::/0", "::ffff:1.2.3.4", true],
    ["::/0", "1.2.3.4", false],
    ["::1.2.3.0/120", "::1.2.3.4", true],
    ["fe80::/10", "fe80::1", true],
    ["fe80::/10", "fe80::1%eth0", false],
  ])("%s contains %s: %s", (prefix, address, contained) => {
    expect(netipPrefixContains(prefixOf(prefix), addressOf(address))).toBe(contained);
    expect(compileNetipPrefixSet([prefixOf(prefix)])(addressOf(address))).toBe(contained);
  });

  test("contain the addresses that a naive comparison of bits finds", () => {
    const seen = { inside: 0, outside: 0 };
    const addresses = fc.array(fc.tuple(nearbyAddress(), fc.constantFrom("", "", "%eth0")), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(prefixText, { maxLength: 12 }), addresses, (texts, candidates) => {
        const prefixes = texts.map(prefixOf);
        const contains = compileNetipPrefixSet(prefixes);
        const naivePrefixes = texts.map((one) => naiveParsePrefix(one)!);
        // The lowest address of each prefix, beside the others.
        const lowest = prefixes.map((one) => formatNetipPrefix(one).split("/", 1)[0]!);
        for (const parts of [...candidates, ...lowest.map((one) => [one, ""])]) {
          const [address = "", zone = ""] = parts;
          const input = address.includes(":") ? address + zone : address;
          const naive = naiveParse(input)!;
          const expected = naivePrefixes.map((one) => naiveContains(one, naive));
          expect(prefixes.map((one) => netipPrefixContains(one, addressOf(input)))).toEqual(expected);
          expect(contains(addressOf(input))).toBe(expected.includes(true));
          seen[expected.includes(true) ? "inside" : "outside"]++;
        }
      }),
      { numRuns: runs(2000) },
    );
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(10);
  });
});
