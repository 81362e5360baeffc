import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodeExport } from "../../../src/observer/index.js";
import { turnsDuring } from "../../async/turns.js";

const LINE = '{"flow":{"uuid":"a"}}\n';
/** The number of bytes that are read per step. */
const STEP_BYTES = 64 * 1024;
const STEPS = 50;
const LINE_FEEDS = "\n".repeat(STEPS * STEP_BYTES);
const EMPTY_MEMBER = gzipSync("");

test.each([
  { name: "line feeds as text", input: LINE_FEEDS + LINE },
  { name: "line feeds as bytes", input: new TextEncoder().encode(LINE_FEEDS + LINE) },
  { name: "line feeds, compressed", input: new Uint8Array(gzipSync(LINE_FEEDS + LINE)) },
  {
    name: "gzip members without content",
    input: new Uint8Array(
      Buffer.concat([...Array.from({ length: STEPS }, () => EMPTY_MEMBER), gzipSync(LINE)]),
    ),
  },
  { name: "events", input: LINE.repeat((STEPS * STEP_BYTES) / LINE.length) },
])("decodeExport: yields to the event loop while it reads from memory: $name", async ({ input }) => {
  let events = 0;
  const turns = await turnsDuring(async () => {
    for await (const _ of decodeExport(input)) events++;
  });
  expect(events).toBeGreaterThanOrEqual(1);
  expect(turns).toBeGreaterThanOrEqual(STEPS - 1);
});
