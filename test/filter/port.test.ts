import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePorts, parsePort } from "../../src/filter/port.js";

describe("parsePort", () => {
  test.each([
    { text: "0", port: 0 },
    { text: "80", port: 80 },
    { text: "080", port: 80 },
    { text: "000000000000000000000000000000065535", port: 65535 },
    { text: "65535", port: 65535 },
  ])("$text", ({ text, port }) => {
    expect(parsePort(text)).toBe(port);
  });

  test.each([
    { text: "", reason: "invalid syntax" },
    { text: " 80", reason: "invalid syntax" },
    { text: "80 ", reason: "invalid syntax" },
    { text: "+80", reason: "invalid syntax" },
    { text: "-80", reason: "invalid syntax" },
    { text: "8_0", reason: "invalid syntax" },
    { text: "0x50", reason: "invalid syntax" },
    { text: "1e2", reason: "invalid syntax" },
    { text: "80.0", reason: "invalid syntax" },
    { text: "80-90", reason: "invalid syntax" },
    { text: "http", reason: "invalid syntax" },
    { text: "８０", reason: "invalid syntax" },
    { text: "٨", reason: "invalid syntax" },
    { text: "6553x", reason: "invalid syntax" },
    { text: "65536", reason: "value out of range" },
    { text: "065536", reason: "value out of range" },
    { text: "65536x", reason: "value out of range" },
    { text: "4294967376", reason: "value out of range" },
    { text: "99999999999999999999", reason: "value out of range" },
    { text: "9".repeat(400), reason: "value out of range" },
  ])("rejects $text: $reason", ({ text, reason }) => {
    expect(parsePort(text)).toBe(`invalid port "${text}": strconv.ParseUint: parsing "${text}": ${reason}`);
  });

  test("quotes as Go does", () => {
    expect(parsePort('8\n"')).toBe(
      'invalid port "8\\n\\"": strconv.ParseUint: parsing "8\\n\\"": invalid syntax',
    );
  });

  test("accepts the decimal numbers below 65536", () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(3), (port, zeros) => {
        expect(typeof parsePort("0".repeat(zeros) + port) === "number").toBe(port < 65536);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const port = parsePort(text);
        if (typeof port === "number") expect(BigInt(text)).toBe(BigInt(port));
      }),
    );
  });
});

describe("compilePorts", () => {
  test.each([
    { wanted: [], port: 0, matches: false },
    { wanted: [80], port: 80, matches: true },
    { wanted: [80], port: 81, matches: false },
    { wanted: [80], port: 65616, matches: true },
    { wanted: [0], port: 0, matches: true },
    { wanted: [0], port: 65536, matches: true },
    { wanted: [65535], port: 4294967295, matches: true },
    { wanted: [80, 65535], port: 4294967295, matches: true },
    { wanted: [80, 443], port: 443, matches: true },
    { wanted: [80, 443], port: 65616, matches: true },
    { wanted: [80, 443], port: 112, matches: false },
    { wanted: [80, 443], port: 0, matches: false },
    { wanted: [0, 443], port: 0, matches: true },
    { wanted: [31, 32], port: 31, matches: true },
    { wanted: [31, 32], port: 63, matches: false },
  ])("$port of $wanted: $matches", ({ wanted, port, matches }) => {
    expect(compilePorts(wanted)(port)).toBe(matches);
  });

  test("compares the lower 16 bits", () => {
    const near = fc.oneof(fc.nat(40), fc.nat(65535));
    fc.assert(
      fc.property(fc.array(near), fc.oneof(near, fc.nat(0xffff_ffff)), (wanted, port) => {
        expect(compilePorts(wanted)(port)).toBe(wanted.includes(port % 65536));
      }),
    );
  });
});
