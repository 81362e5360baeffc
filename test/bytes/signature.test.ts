import { describe, expect, test } from "vitest";
import { describeSignature, findSignature, isGzip, SIGNATURE_BYTES } from "../../src/bytes/signature.js";

describe("findSignature", () => {
  test.each([
    { head: [0x28, 0xb5, 0x2f, 0xfd], is: "zstd-compressed data; decompress it first: zstd -dc" },
    { head: [0xd4, 0xc3, 0xb2, 0xa1], is: "a packet capture", capture: "supported" },
    { head: [0x0a, 0x0d, 0x0d, 0x0a], is: "a packet capture", capture: "supported" },
    { head: [0xa1, 0xb2, 0xcd, 0x34], is: "Kuznetzov's modified pcap", capture: "unsupported" },
    { head: [0x34, 0xcd, 0xb2, 0xa1], is: "Kuznetzov's modified pcap", capture: "unsupported" },
    { head: [0xff, 0xfe], is: "UTF-16 text; convert it to UTF-8 first: iconv -t UTF-8" },
  ])("$is", ({ head, is, capture }) => {
    const signature = findSignature(Uint8Array.from([...head, 0, 0, 0, 0]));
    expect(signature && describeSignature(signature)).toBe(is);
    expect(signature?.capture).toBe(capture);
    expect(head.length).toBeLessThanOrEqual(SIGNATURE_BYTES);
  });

  test.each([{ head: [] }, { head: [0x7b, 0x22, 0x66, 0x6c] }, { head: [0xd4, 0xc3, 0xb2] }])(
    "unknown: $head",
    ({ head }) => {
      expect(findSignature(Uint8Array.from(head))).toBeUndefined();
    },
  );
});

test("isGzip", () => {
  expect(isGzip(Uint8Array.of(0x1f, 0x8b, 8))).toBe(true);
  expect(isGzip(Uint8Array.of(0x1f))).toBe(false);
});
