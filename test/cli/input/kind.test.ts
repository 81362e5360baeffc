import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { detectKind, HEAD_BYTES } from "../../../src/cli/input/kind.js";
import { repository } from "../../support/run.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const capture = (name: string) => readFileSync(join(repository, "examples/captures", name));

describe("detectKind: detects the kind from the first bytes", () => {
  const cases = [
    { name: "pcap", head: capture("sample.pcap"), kind: "capture" },
    { name: "pcapng", head: capture("sample.pcapng"), kind: "capture" },
    { name: "big-endian nanoseconds", head: Uint8Array.of(0xa1, 0xb2, 0x3c, 0x4d), kind: "capture" },
    {
      name: "an unsupported pcap variant",
      head: Uint8Array.of(0xa1, 0xb2, 0xcd, 0x34),
      kind: "capture",
    },
    { name: "JSON", head: bytes('{"flow":{}}\n'), kind: "export" },
    { name: "JSON after a byte order mark", head: bytes('\ufeff{"flow":{}}\n'), kind: "export" },
    {
      name: "text that is not JSON",
      head: bytes("level=info\n"),
      kind: "export",
    },
    { name: "an empty input", head: new Uint8Array(0), kind: "export" },
    { name: "white space", head: bytes(" \n"), kind: "export" },
    {
      name: "a bad byte in a line",
      head: bytes('{"flow":{"uuid":"\\xff"}}\n').fill(0xff, 17, 18),
      kind: "export",
    },
    { name: "a line after control characters", head: bytes('\u0001\u0002{"flow":{}}\n'), kind: "export" },
    { name: "a hole", head: new Uint8Array(HEAD_BYTES), kind: "export" },
    { name: "a line after a hole", head: bytes(`${"\0".repeat(100)}{"flow":{}}\n`), kind: "export" },
    {
      name: "a truncated line before a hole",
      head: bytes(`{"flow":{"uu${"\0".repeat(100)}`),
      kind: "export",
    },
    { name: "Latin-1", head: Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x21), kind: "export" },
    { name: "an input shorter than a magic number", head: Uint8Array.of(0xd4, 0xc3), kind: "export" },
    {
      name: "UTF-16, named by the decoder",
      head: new Uint8Array(Buffer.from('{"flow":{}}\n', "utf16le")),
      kind: "export",
    },
    {
      name: "a program, named by the decoder",
      head: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0),
      kind: "export",
    },
    { name: "gzip inside gzip", head: Uint8Array.of(0x1f, 0x8b, 8, 0), kind: "neither" },
    { name: "other binary data", head: Uint8Array.of(0x80, 1, 2, 3, 4, 5, 6, 0, 7), kind: "neither" },
    { name: "binary data after a hole", head: Uint8Array.of(0, 0, 0, 1, 2, 3, 4, 5), kind: "neither" },
  ] as const;

  test.each(cases)("$name: $kind", ({ head, kind }) => {
    expect(detectKind(head, true)).toBe(kind);
  });

  test("accepts a character that is truncated at the end of the head", () => {
    expect(detectKind(bytes("é".repeat(HEAD_BYTES)).subarray(0, HEAD_BYTES - 1), false)).toBe("export");
  });
});

test("detectKind: returns undefined until the bytes suffice, then the same kind for all longer heads", () => {
  const whole = capture("sample.pcap");
  const kinds = Array.from({ length: 1000 }, (_, length) => detectKind(whole.subarray(0, length), false));
  const first = kinds.indexOf("capture");
  expect(first).toBeGreaterThan(0);
  expect(kinds.slice(0, first).every((kind) => kind === undefined)).toBe(true);
  expect(kinds.slice(first).every((kind) => kind === "capture")).toBe(true);
});

test("detectKind: always returns a kind for a complete input, and never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (head) => {
      expect(["capture", "export", "neither"]).toContain(detectKind(head, true));
    }),
  );
});
