import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromBatches, type PacketBatch } from "../../src/packet/index.js";
import { namesBlock } from "../../src/pcap/index.js";
import { record } from "../../src/recorder/index.js";
import { namedFileSink } from "../../src/sink/file.js";
import { canonicalBlocks } from "../pcap/pcapng/canonical-blocks.js";
import { batchOf, ETHERNET } from "../recorder/packets.js";
import { fakeClock } from "../support/fake-clock.js";
import { temporaryFolder } from "./folder.js";

const ANY = {
  include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" }],
};

/** Ten packets with a block before every second one, and one after the last. */
function withBlocks(): PacketBatch {
  const batch = batchOf(Array.from({ length: 10 }, (_, id) => ({ id })));
  const blocks = [0, 2, 4, 6, 8, 10].map((before) =>
    namesBlock([{ address: `10.0.0.${before + 1}`, names: ["x".repeat(100)] }], before),
  );
  return { ...batch, pcapng: { blocks } };
}

async function blocksIn(path: string): Promise<readonly string[]> {
  return canonicalBlocks(new Uint8Array(await readFile(path))).blocks.map((block) => block.split(" ")[0]!);
}

test("rotation: side blocks are in the file of the packet after them, and count for its size", async () => {
  const maxBytes = 800;
  await using folder = await temporaryFolder();
  const open = namedFileSink(join(folder.path, "a.pcapng"), { rotation: { maxBytes } });
  const sink = await open({
    ...{ filePrefix: "hubble", interfaces: [ETHERNET], snapLength: 262_144, clock: fakeClock() },
  });
  await sink.write({ ...withBlocks(), pcapng: { blocks: withBlocks().pcapng!.blocks!.slice(0, -1) } });
  const [last] = withBlocks().pcapng!.blocks!;
  await sink.write({ ...batchOf([]), pcapng: { blocks: [last!] } });
  await sink.close({ received: 10, dropped: 0 });
  const names = (await readdir(folder.path)).sort();
  const files = await Promise.all(names.map((name) => blocksIn(join(folder.path, name))));
  expect(files.length).toBeGreaterThan(1);
  for (const name of names.slice(0, -1))
    expect((await stat(join(folder.path, name))).size).toBeLessThanOrEqual(maxBytes);
  const pair = ["names", "packet", "packet"];
  expect(files.flat().filter((block) => block !== "statistics")).toEqual([
    ...[pair, pair, pair, pair, pair].flat(),
    "names",
  ]);
  // No file begins with a packet whose block is in the file before.
  for (const file of files.slice(0, -1)) expect(file.at(-1)).toBe("packet");
});

test.each([
  { whenBusy: "wait", queueBytes: undefined, kept: 6 },
  { whenBusy: "drop", queueBytes: 1_000_000, kept: 6 },
  { whenBusy: "drop", queueBytes: 500, kept: 0 },
] as const)("record: writes side blocks, whenBusy $whenBusy, queueBytes $queueBytes", async (row) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a.pcapng");
  const source = fromBatches([withBlocks()], ETHERNET);
  const { whenBusy, queueBytes, kept } = row;
  const options = { whenBusy, ...(queueBytes !== undefined && { queueBytes }) };
  const { stats } = await record(source, ANY, { sink: namedFileSink(path), ...options }).stopped;
  const blocks = await blocksIn(path);
  expect(blocks.filter((block) => block === "names")).toHaveLength(kept);
  expect(blocks.filter((block) => block === "packet")).toHaveLength(stats.packetsCaptured);
  expect(stats.packetsCaptured + stats.packetsLostInQueue).toBe(10);
});

test("additions require pcapng, and unknown ones are rejected", () => {
  expect(() => namedFileSink("a.pcap", { additions: {} })).toThrow(
    'additions: requires the `fileFormat` "pcapng"',
  );
  expect(() => namedFileSink("a.pcapng", { additions: { keys: [] } as object })).toThrow("additions.keys");
});
