import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createChunkInput } from "../../../src/bytes/chunk-input.js";
import { readEvents } from "../../../src/cli/input/events.js";
import { createInputReport } from "../../../src/cli/input/report.js";
import { createMessages } from "../../../src/cli/io/messages.js";
import { decodeBatches } from "../../../src/observer/export/decode.js";
import { repository } from "../../support/run.js";
import { fakeIo, flowLine } from "../fake-io.js";

const capture = (name: string) => readFileSync(join(repository, "examples/captures", name));

const LINES = Buffer.from(Array.from({ length: 500 }, (_, index) => flowLine(`pod-${index}`)).join(""));

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The number of events, and the error that ends them. */
async function readingOf(chunks: Iterable<Uint8Array>): Promise<{ events: number; error?: unknown }> {
  const report = createInputReport(createMessages(fakeIo()));
  let events = 0;
  try {
    for await (const batch of readEvents(
      createChunkInput(chunks),
      "input",
      { loadLineReader: async () => decodeBatches, packets: {} },
      report,
    )) {
      events += batch.length;
    }
  } catch (error) {
    return { events, error };
  }
  return { events };
}

describe("readEvents: gzip", () => {
  test.each([
    { name: "pcap", bytes: capture("sample.pcap") },
    { name: "pcapng", bytes: capture("sample.pcapng") },
    { name: "export lines", bytes: LINES },
    { name: "lines after a hole", bytes: Buffer.concat([new Uint8Array(900), LINES]) },
  ])("yields the events of the plain input: $name", async ({ bytes }) => {
    const plain = await readingOf([bytes]);
    expect(plain.error).toBe(undefined);
    expect(plain.events).toBeGreaterThan(0);
    const compressed = gzipSync(bytes);
    for (const size of [1, 7, compressed.length]) {
      expect(await readingOf(chunksOf(compressed, size))).toEqual(plain);
    }
  });

  test("yields nothing for an empty member", async () => {
    expect(await readingOf([gzipSync("")])).toEqual({ events: 0 });
  });

  test.each([
    { name: "pcap", bytes: capture("sample.pcap") },
    { name: "export lines", bytes: LINES },
  ])("yields the events before the end of a truncated input: $name", async ({ bytes }) => {
    const compressed = gzipSync(bytes);
    const half = compressed.length >> 1;
    const { events, error } = await readingOf([compressed.subarray(0, half)]);
    expect(events).toBeGreaterThan(0);
    expect(error).toEqual(new Error(`the gzip data ends too early (at byte ${half})`));
  });

  test.each([
    {
      name: "data that is not gzip after the magic number",
      bytes: Uint8Array.of(0x1f, 0x8b, 0xff, 0xff, 0xff, 0xff),
      message: /^damaged gzip data: .+ \(at byte \d+\)$/,
    },
    {
      name: "the magic number only",
      bytes: Uint8Array.of(0x1f, 0x8b),
      message: /^the gzip data ends too early \(at byte 2\)$/,
    },
    {
      name: "binary data",
      bytes: gzipSync(Uint8Array.of(0x80, 1, 2, 3, 4)),
      message: /^neither export lines nor a capture$/,
    },
    {
      name: "gzip inside gzip",
      bytes: gzipSync(gzipSync("x")),
      message: /^neither export lines nor a capture$/,
    },
  ])("rejects $name", async ({ bytes, message }) => {
    const { events, error } = await readingOf([bytes]);
    expect({ events, error }).toEqual({
      events: 0,
      error: expect.objectContaining({ message: expect.stringMatching(message) }),
    });
  });
});
