import { constants, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CaptureError } from "../../src/errors/errors.js";
import { decodeCapture } from "../../src/pcap/index.js";
import { amount, runs } from "../support/amount.js";
import { blockWriter, join } from "./blocks.js";
import { pcapFile } from "./pcap-file.js";
import { bytesOf, chunksOf, fault, packetsIn, type ReadPacket, readAll, readWhole } from "./read.js";
import { sample } from "./shared-captures.js";

// Many cases each: also a busy machine gets through.
const PCAP_HEADER = 24;

/** Incompressible packets, so that the compressed bytes are spread evenly over the packets. */
const noise = pcapFile(
  { linkType: 1 },
  Array.from({ length: 500 }, (_, index) => ({ seconds: index, data: pseudoRandom(4000, index + 1) })),
);

describe("decodeCapture: a compressed capture", () => {
  const plain = sample("sample.pcap");

  test.each([
    { what: "one member", bytes: gzipSync(plain) },
    { what: "stored blocks only", bytes: gzipSync(plain, { level: 0 }) },
    {
      what: "two members, divided inside the header",
      bytes: join(gzipSync(plain.subarray(0, 10)), gzipSync(plain.subarray(10))),
    },
    {
      what: "a member for every 1000 bytes",
      bytes: join(...Array.from(chunksOf(plain, 1000), (part) => gzipSync(part))),
    },
    {
      what: "an empty member first, between and last",
      bytes: join(
        empty(),
        gzipSync(plain.subarray(0, 5000)),
        empty(),
        gzipSync(plain.subarray(5000)),
        empty(),
      ),
    },
    { what: "a name, a comment and other header fields", bytes: withHeaderFields(plain) },
    { what: "trailing zeros", bytes: join(gzipSync(plain), new Uint8Array(1000)) },
    {
      what: "trailing garbage",
      bytes: join(gzipSync(plain), new TextEncoder().encode("trailing garbage")),
    },
  ])("with $what has the packets of the plain file, in chunks of any size", async ({ bytes }) => {
    const expected = await packetsIn(plain);
    const { packets, source } = await readWhole(bytes);
    expect(packets).toEqual(expected);
    expect(source.compressed).toBe(true);
    for (const size of [1, 7, 4096]) expect(await packetsIn(chunksOf(bytes, size))).toEqual(expected);
  });

  test("compressed is false for a plain file", async () => {
    expect((await readWhole(plain)).source.compressed).toBe(false);
  });

  test("may be pcapng", async () => {
    const bytes = sample("sample.pcapng");
    const { packets, source } = await readWhole(gzipSync(bytes));
    expect(packets).toEqual(await packetsIn(bytes));
    expect(source).toMatchObject({ fileFormat: "pcapng", compressed: true });
  });

  test("rejects a file that is compressed twice", async () => {
    expect(fault(await readAll(gzipSync(gzipSync(plain))))).toBe("not_a_capture@0");
  });

  test.each([
    { what: "of nothing", bytes: gzipSync(new Uint8Array(0)), error: "truncated_capture@0" },
    { what: "of text", bytes: gzipSync("no capture at all, only text"), error: "not_a_capture@0" },
    { what: "of half a header", bytes: gzipSync(plain.subarray(0, 12)), error: "truncated_capture@12" },
    {
      what: "of a pcap that ends in a packet",
      bytes: gzipSync(plain.subarray(0, 30)),
      error: "truncated_capture@24",
    },
    {
      what: "with only its magic number",
      bytes: gzipSync(plain).subarray(0, 2),
      error: "truncated_capture@2",
    },
    {
      what: "with only half its header",
      bytes: gzipSync(plain).subarray(0, 5),
      error: "truncated_capture@5",
    },
    { what: "by an unknown method", bytes: bytesOf("1f8b0900000000000003"), error: "malformed_gzip@3" },
  ])("rejects gzip data $what", async ({ bytes, error }) => {
    const outcome = await readAll(bytes);
    expect(outcome.packets).toEqual([]);
    expect(fault(outcome).replace(/malformed_gzip@\d+/, "malformed_gzip@3")).toBe(error);
  });
});

describe("decodeCapture: a truncated compressed capture", () => {
  test("yields all complete packets, then throws with the offset of the end", async () => {
    const expected = await packetsIn(noise);
    for (const level of [0, 6]) {
      const compressed = gzipSync(noise, { level });
      const lengths = [
        1000,
        50_000,
        70_000,
        600_000,
        1_500_000,
        compressed.length - 9,
        compressed.length - 1,
      ];
      for (const length of lengths) {
        const cut = compressed.subarray(0, length);
        // As much as Node's own decompressor makes of it.
        const there = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH });
        const whole = Math.floor((there.length - PCAP_HEADER) / 4016);
        const outcome = await readAll(cut);
        expect(outcome.packets).toEqual(expected.slice(0, whole));
        expect(fault(outcome)).toBe(`truncated_capture@${length}`);
      }
    }
  });

  test("that ends between two members is a truncated capture, not truncated gzip", async () => {
    const first = gzipSync(noise.subarray(0, 10_000));
    const outcome = await readAll(first);
    expect(outcome.packets).toHaveLength(2);
    expect(fault(outcome)).toBe(`truncated_capture@${PCAP_HEADER + 2 * 4016}`);
  });

  test("in its last member yields the packets of the members before", async () => {
    const half = PCAP_HEADER + 250 * 4016;
    const bytes = join(gzipSync(noise.subarray(0, half)), gzipSync(noise.subarray(half)).subarray(0, 15));
    const outcome = await readAll(bytes);
    expect(outcome.packets).toHaveLength(250);
    expect(fault(outcome)).toBe(`truncated_capture@${bytes.length}`);
  });
});

describe("decodeCapture: a damaged compressed capture", () => {
  const compressed = gzipSync(noise);

  test.each([
    { what: "the checksum", fromEnd: 8 },
    { what: "the length", fromEnd: 1 },
  ])("in $what yields all packets, then throws malformed_gzip", async ({ fromEnd }) => {
    const outcome = await readAll(flipped(compressed, compressed.length - fromEnd));
    expect(outcome.packets).toEqual(await packetsIn(noise));
    expect(fault(outcome)).toMatch(/^malformed_gzip@/);
  });

  test.each([0.1, 0.4, 0.9])(
    "at %d of its data yields all packets before, then throws malformed_gzip",
    async (part) => {
      // A block of a type that does not exist, where only whole members stand before.
      const packets = Math.floor(500 * part);
      const end = PCAP_HEADER + packets * 4016;
      const before = gzipSync(noise.subarray(0, end));
      const bytes = join(
        before,
        flipped(gzipSync(noise.subarray(end), { level: 0 }), 10, 0x06),
        new Uint8Array(999),
      );
      const outcome = await readAll(bytes);
      expect(outcome.packets).toEqual((await packetsIn(noise)).slice(0, packets));
      expect(fault(outcome)).toMatch(/^malformed_gzip@/);
      expect((outcome.error as CaptureError).offset).toBeGreaterThanOrEqual(before.length);
    },
  );

  test("with any flipped bit throws, and yields the correct packets before it (property)", async () => {
    const plain = sample("sample.pcap");
    const expected = await packetsIn(plain);
    const bytes = gzipSync(plain, { level: 0 });
    // Behind the gzip header, whose time, flags and system are not checked; not the type of the first block.
    const place = fc.integer({ min: 11, max: bytes.length - 1 });
    await fc.assert(
      fc.asyncProperty(place, fc.nat(7), async (at, bit) => {
        const outcome = await readAll(flipped(bytes, at, 1 << bit));
        expect(outcome.error).toBeInstanceOf(CaptureError);
        expect(fault(outcome)).toMatch(
          /^(malformed_gzip|malformed_capture|truncated_capture|unsupported_capture|not_a_capture)@/,
        );
        // In stored blocks a byte stands at most some bytes behind where it stands in the capture.
        const safe = packetsEndingBefore(expected, at - 100);
        expect(outcome.packets.slice(0, safe)).toEqual(expected.slice(0, safe));
      }),
      { numRuns: runs(300) },
    );
  });
});

test("decodeCapture: reads hundreds of megabytes of zeros from few bytes of gzip in bounded memory", async () => {
  const { section, interface: describe, enhanced, u32 } = blockWriter();
  const mebibytes = amount({ quick: 128, long: 1024 });
  const zeros = mebibytes * 1024 ** 2;
  const head = join(section(), describe(), enhanced({ data: bytesOf("aa") }), u32(0xbad), u32(zeros + 12));
  // One mebibyte of zeros is deflated once and repeated.
  const million = deflateRawSync(new Uint8Array(1024 ** 2), {
    level: 9,
    finishFlush: constants.Z_FULL_FLUSH,
  });
  const middle = Array.from({ length: mebibytes }, () => million);
  const bomb = join(
    gzipSync(head),
    bytesOf("1f8b0800000000000003"),
    ...middle,
    deflateRawSync(join(u32(zeros + 12), enhanced({ data: bytesOf("bb") }))),
    new Uint8Array(8),
  );
  expect(bomb.length).toBeLessThan(2_000_000);
  const before = process.memoryUsage().arrayBuffers;
  let most = before;
  const source = await decodeCapture(
    (function* () {
      for (const chunk of chunksOf(bomb, 8192)) {
        most = Math.max(most, process.memoryUsage().arrayBuffers);
        yield chunk;
      }
    })(),
  );
  const { packets, error } = await readAll(Promise.resolve(source));
  expect(packets.map(({ data }) => data)).toEqual(["aa", "bb"]);
  // The checksum is not that of the zeros: computing it would take long.
  expect(error).toMatchObject({ code: "malformed_gzip" });
  expect(most - before).toBeLessThan(64 * 1024 ** 2);
});

function empty(): Uint8Array {
  return gzipSync(new Uint8Array(0));
}

/** A gzip header with text flag, extra field, name, comment and header checksum left out. */
function withHeaderFields(plain: Uint8Array): Uint8Array {
  const zipped = gzipSync(plain);
  const header = Uint8Array.of(0x1f, 0x8b, 8, 0x01 | 0x04 | 0x08 | 0x10, 1, 2, 3, 4, 0, 3);
  const extra = Uint8Array.of(3, 0, 1, 2, 3);
  return join(header, extra, new TextEncoder().encode("name.pcap\0a comment\0"), zipped.subarray(10));
}

function flipped(bytes: Uint8Array, at: number, bits = 0x10): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[at] = copy[at]! ^ bits;
  return copy;
}

function packetsEndingBefore(packets: readonly ReadPacket[], offset: number): number {
  let end = PCAP_HEADER;
  return packets.filter(({ data }) => {
    end += 16 + data.length / 2;
    return end <= offset;
  }).length;
}

/** Numbers that look random and are always the same (xorshift). */
function pseudoRandom(length: number, seed: number): Uint8Array {
  let state = seed * 2_654_435_761;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}
