import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { CHUNK_BYTES } from "../../src/bytes/byte-input.js";
// Loading a module takes turns, too: these are loaded before they are counted.
import "../../src/bytes/gunzip.js";
import "../../src/pcap/pcapng/decode.js";
import { createBatch, fromBatches, packetsOf } from "../../src/packet/index.js";
import { decodeCapture, encodePcap } from "../../src/pcap/index.js";
import { turnsDuring } from "../async/turns.js";
import { blockWriter, CUSTOM, join } from "./blocks.js";
import { collect } from "./read.js";

const FORMAT = { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
const PACKET_BYTES = 64 * 1024;
/** Reads that a capture takes: a turn is due before each. */
const READS = 32;
const PACKETS = (READS * CHUNK_BYTES) / PACKET_BYTES;

async function pcapOf(packets: number): Promise<Uint8Array> {
  const batch = createBatch(
    FORMAT,
    Array.from({ length: packets }, () => ({ bytes: new Uint8Array(PACKET_BYTES) })),
  );
  return collect(encodePcap(fromBatches([batch], FORMAT)));
}

const writer = blockWriter();
const EMPTY_MEMBERS = 200;

test.each<{ name: string; make: () => Promise<Uint8Array>; packets: number; turns: number }>([
  { name: "compressed", make: async () => gzipSync(await pcapOf(PACKETS)), packets: PACKETS, turns: READS },
  { name: "plain", make: () => pcapOf(PACKETS), packets: PACKETS, turns: READS },
  {
    name: "after empty gzip members",
    make: async () => {
      const empty = gzipSync(new Uint8Array(0));
      return join(...Array.from({ length: EMPTY_MEMBERS }, () => empty), gzipSync(await pcapOf(1)));
    },
    packets: 1,
    turns: EMPTY_MEMBERS,
  },
  {
    name: "after a skipped block",
    make: async () =>
      gzipSync(
        join(
          writer.section(),
          writer.interface(),
          writer.block(CUSTOM, new Uint8Array(READS * CHUNK_BYTES)),
          writer.enhanced({ data: Uint8Array.of(1) }),
        ),
      ),
    packets: 1,
    turns: READS,
  },
])(
  "decodeCapture: gives the event loop turns while it reads memory: $name",
  async ({ make, packets, turns }) => {
    const capture = await make();
    let read = 0;
    const seen = await turnsDuring(async () => {
      for await (const batch of await decodeCapture(capture)) for (const _ of packetsOf(batch)) read++;
    });
    expect(read).toBe(packets);
    expect(seen).toBeGreaterThanOrEqual(turns);
  },
);
