import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARENA, ARENA_LINE_BYTES, copyToArena } from "../../../../src/message/json/line/arena.js";
import { asciiText } from "../../../../src/message/json/line/ascii-text.js";
import { createNameTable, findName, matchPattern } from "../../../../src/message/json/line/name-table.js";
import { plainEnd } from "../../../../src/message/json/line/scalars.js";
import { skipSpace, skipString, skipValue } from "../../../../src/message/json/line/skip.js";
import { jsonFieldsOf } from "../../../../src/message/properties.js";
import { DropReasonSchema, FlowSchema } from "../../../../src/proto.js";

const utf8 = new TextEncoder();

/** Calls a function for bytes between others, and for their copy in the arena; the results are the same. */
function inBoth<T>(text: string, call: (bytes: Uint8Array, start: number, end: number) => T): T {
  const bytes = utf8.encode(text);
  const around = new Uint8Array(bytes.length + 20).fill(0x22);
  around.set(bytes, 10);
  const direct = call(around, 10, 10 + bytes.length);
  // What an earlier line has left must not matter.
  ARENA.fill(0x22);
  copyToArena(around, 10, 10 + bytes.length);
  const copied = call(ARENA, 0, bytes.length);
  expect(copied).toEqual(direct);
  return direct;
}

/** The length of what is skipped; -1 if it has no end. */
const skipped = (skip: (bytes: Uint8Array, at: number, end: number) => number, text: string) =>
  inBoth(text, (bytes, start, end) => {
    const after = skip(bytes, start, end);
    return after < 0 ? after : after - start;
  });

describe("skipValue", () => {
  test("ends where any JSON value ends", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", ",", "}", "]", " ", ":1"), (json, rest) => {
        expect(skipped(skipValue, json + rest)).toBe(utf8.encode(json).length);
      }),
      { numRuns: 500 },
    );
  });

  test("is -1 for values without an end", () => {
    fc.assert(
      fc.property(fc.oneof(fc.array(fc.json()), fc.string()), (value) => {
        const json = JSON.stringify(value);
        expect(skipped(skipValue, json.slice(0, -1))).toBe(-1);
      }),
      { numRuns: 300 },
    );
    for (const text of ["", ",", "}", "]", ":", " 1"]) expect(skipped(skipValue, text)).toBe(-1);
  });
});

describe("skipString", () => {
  test.each([
    ['"', 1],
    ['\\""', 3],
    ['\\\\"', 3],
    ['\\\\\\""', 5],
    ["", -1],
    ["abc", -1],
    ['abc\\"', -1],
    ['abcd"', 5],
    ['abcdefg"h"', 8],
    ['\u00e9\u{1f600}"', 7],
  ])("%s", (text, length) => {
    expect(skipped(skipString, text)).toBe(length);
  });
});

test("skipSpace: skips the four characters of JSON only", () => {
  expect(skipped(skipSpace, " \t\r\n\u000b")).toBe(4);
  expect(skipped(skipSpace, "\u00a0")).toBe(0);
  expect(skipped(skipSpace, "   ")).toBe(3);
});

test("plainEnd: is the position of the quote after printable ASCII without quotes and backslashes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom('"', '"x', ""),
      (text, rest) => {
        const first = text.search(/["\\]|[^ -\x7f]/);
        const plain = first < 0 ? (rest === "" ? -1 : text.length) : text[first] === '"' ? first : -1;
        expect(skipped(plainEnd, text + rest)).toBe(plain);
      },
    ),
    { numRuns: 500 },
  );
});

describe("name tables", () => {
  const fields = [...jsonFieldsOf(FlowSchema).keys()];
  const reasons = DropReasonSchema.values.map(({ name }) => name);
  test.each([["fields", fields] as const, ["enum values", reasons] as const])("find all %s", (_, names) => {
    const table = createNameTable(new Map(names.map((name, index) => [name, index + 7])));
    const wanted = new Map(names.map((name, index) => [name, index]));
    const others = names.flatMap((name) => [
      `${name}x`,
      name.slice(1),
      name.slice(0, -1),
      `x${name.slice(1)}`,
    ]);
    for (const name of [...names, ...others, ""]) {
      const entry = inBoth(name, (bytes, start, end) => findName(table, bytes, start, end));
      expect(entry, name).toBe(wanted.get(name) ?? -1);
      if (entry >= 0) expect(table.values[entry]).toBe(entry + 7);
    }
  });

  test("match quoted names with a colon", () => {
    const names = [...fields, "a", "ab", "abc"];
    const table = createNameTable(new Map(names.map((name, index) => [name, index])));
    names.forEach((name, index) => {
      const pattern = `"${name}":`;
      copyToArena(utf8.encode(`{${pattern}1`), 0, pattern.length + 2);
      expect(matchPattern(table, index, 1, pattern.length + 2)).toBe(pattern.length + 1);
      expect(matchPattern(table, index, 1, pattern.length)).toBe(-1);
      for (let at = 1; at <= pattern.length; at++) {
        copyToArena(utf8.encode(`{${pattern}1`), 0, pattern.length + 2);
        ARENA[at] = 0x7e;
        expect(matchPattern(table, index, 1, pattern.length + 2), `${name} ${at}`).toBe(-1);
      }
    });
  });
});

test("asciiText: decodes any ASCII, repeated or not", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 120 });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(text, fc.constantFrom("abcd1234efgh", "abcd1x34efgh", "abcd12y4efgh"))),
      (texts) => {
        for (const one of [...texts, ...texts]) expect(inBoth(one, asciiText)).toBe(one);
      },
    ),
    { numRuns: 200 },
  );
});

test("copyToArena: has room for the longest line", () => {
  copyToArena(new Uint8Array(ARENA_LINE_BYTES).fill(0x61), 0, ARENA_LINE_BYTES);
  expect(skipString(ARENA, 0, ARENA_LINE_BYTES)).toBe(-1);
  expect(plainEnd(ARENA, 0, ARENA_LINE_BYTES)).toBe(-1);
});
