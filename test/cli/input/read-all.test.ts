import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createChunkInput } from "../../../src/bytes/chunk-input.js";
import { readOne } from "../../../src/cli/input/read-all.js";
import { createInputReport } from "../../../src/cli/input/report.js";
import { createMessages } from "../../../src/cli/io/messages.js";
import { decodeBatches } from "../../../src/observer/export/decode.js";
import { fakeIo } from "../fake-io.js";

const GZIP = gzipSync('{"flow":{"uuid":"a"}}\n');
// A pcap header and a truncated packet.
const PCAP = Uint8Array.from(
  [0xd4c3b2a1, 0x02000400, 0, 0, 0xffff0000, 0x01000000, 0, 0, 0x10000000].flatMap((word) => [
    word >>> 24,
    (word >>> 16) & 255,
    (word >>> 8) & 255,
    word & 255,
  ]),
);

// The error messages happen to contain these names.
test.each([
  { name: "e", bytes: GZIP.subarray(0, 30), fault: "the gzip data ends too early (at byte 30)" },
  { name: "line", bytes: Uint8Array.of(0, 1, 2, 3), fault: "neither export lines nor a capture" },
  { name: "byte", bytes: PCAP, fault: expect.stringMatching(/^[^:]+\(at byte \d+\)$/) },
])("readOne: reports an error of the input $name with its name, once", async ({ name, bytes, fault }) => {
  const io = fakeIo();
  const messages = createMessages(io);
  const report = createInputReport(messages);
  const context = {
    io,
    messages,
    report,
    packets: {},
    loadLineReader: async () => decodeBatches,
    progress: false,
  };
  const input = { name, file: undefined, ...createChunkInput(bytes), close: async () => {} };
  for await (const _events of readOne(input, context));
  expect(report.hasFailed).toBe(true);
  const [first, ...rest] = io.err().trimEnd().split(": ");
  expect([first, rest.join(": ")]).toEqual([name, fault]);
});
