import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileHttpStatuses,
  type HttpStatusPattern,
  parseHttpStatus,
} from "../../../src/filter/pattern/http-status.js";

describe("parseHttpStatus", () => {
  test.each([
    { text: "100", pattern: { first: 100, last: 100, prefix: false } },
    { text: "599", pattern: { first: 599, last: 599, prefix: false } },
    { text: "4+", pattern: { first: 400, last: 499, prefix: true } },
    { text: "40+", pattern: { first: 400, last: 409, prefix: true } },
    { text: "59+", pattern: { first: 590, last: 599, prefix: true } },
  ])("$text", ({ text, pattern }) => {
    expect(parseHttpStatus(text)).toEqual(pattern);
  });

  test.each([
    { text: "", quoted: '""' },
    { text: "+", quoted: '"+"' },
    { text: "0+", quoted: '"0+"' },
    { text: "6+", quoted: '"6+"' },
    { text: "20", quoted: '"20"' },
    { text: "2", quoted: '"2"' },
    { text: "099", quoted: '"099"' },
    { text: "600", quoted: '"600"' },
    { text: "200+", quoted: '"200+"' },
    { text: "4++", quoted: '"4++"' },
    { text: "2xx", quoted: '"2xx"' },
    { text: " 200", quoted: '" 200"' },
    { text: "200\n", quoted: '"200\\n"' },
    { text: "4+\n", quoted: '"4+\\n"' },
    { text: "2000", quoted: '"2000"' },
    { text: "４04", quoted: '"４04"' },
  ])("rejects $quoted", ({ text, quoted }) => {
    expect(parseHttpStatus(text)).toBe(`invalid status code prefix: ${quoted}`);
  });
});

describe("compileHttpStatuses", () => {
  test.each([
    { wanted: [], code: 200, matches: false },
    { wanted: ["200"], code: 200, matches: true },
    { wanted: ["200"], code: 201, matches: false },
    { wanted: ["200"], code: 2000, matches: false },
    { wanted: ["4+"], code: 400, matches: true },
    { wanted: ["4+"], code: 499, matches: true },
    { wanted: ["4+"], code: 500, matches: false },
    { wanted: ["4+"], code: 4, matches: false },
    { wanted: ["4+"], code: 40, matches: false },
    { wanted: ["4+"], code: 4040, matches: true },
    { wanted: ["40+"], code: 4099, matches: true },
    { wanted: ["40+"], code: 4100, matches: false },
    { wanted: ["40+", "200"], code: 2000, matches: false },
    { wanted: ["42+"], code: 4294967295, matches: true },
    { wanted: ["1+", "2+", "3+", "4+", "5+"], code: 5, matches: false },
    { wanted: ["1+", "2+", "3+", "4+", "5+"], code: 0, matches: false },
    { wanted: ["4+", "503"], code: 503, matches: true },
    { wanted: ["4+", "404"], code: 4040, matches: true },
    { wanted: ["1+"], code: Number.NaN, matches: false },
    { wanted: ["1+"], code: Number.POSITIVE_INFINITY, matches: false },
    { wanted: ["1+"], code: -1, matches: false },
  ])("$code of $wanted: $matches", ({ wanted, code, matches }) => {
    expect(compileHttpStatuses(wanted.map(parse))(code)).toBe(matches);
  });

  const status = fc.oneof(
    fc.integer({ min: 100, max: 599 }).map(String),
    fc.integer({ min: 1, max: 5 }).map((digit) => `${digit}+`),
    fc.integer({ min: 10, max: 59 }).map((digits) => `${digits}+`),
  );

  test("compares the code as printed with %03d", () => {
    const codes = fc.oneof(fc.nat(700), fc.nat(6000), fc.nat(0xffff_ffff));
    fc.assert(
      fc.property(fc.array(status, { maxLength: 5 }), codes, (wanted, code) => {
        const printed = String(code).padStart(3, "0");
        const naive = wanted.some((text) =>
          text.endsWith("+") ? printed.startsWith(text.slice(0, -1)) : printed === text,
        );
        expect(compileHttpStatuses(wanted.map(parse))(code)).toBe(naive);
      }),
      { numRuns: 1000 },
    );
  });
});

function parse(text: string): HttpStatusPattern {
  const pattern = parseHttpStatus(text);
  if (typeof pattern === "string") throw new Error(pattern);
  return pattern;
}
