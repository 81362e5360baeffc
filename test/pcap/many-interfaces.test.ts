import { describe, expect, test } from "vitest";
import { deriveSource } from "../../src/packet/derive-source.js";
import { createBatch, fromBatches, type PacketBatch, type PacketSource } from "../../src/packet/index.js";
import type { CaptureInterface } from "../../src/packet/source.js";
import { encodePcapng, mergeSources } from "../../src/pcap/index.js";

/** Interfaces, each with one packet; the source lists an interface when its packet comes. */
const INTERFACES = 2000;
/** Reads of one interface that a linear algorithm may need. */
const READS_PER_INTERFACE = 25;

/** A growing source that counts how often its interfaces are read. */
function countingSource(): { source: PacketSource; reads: () => number } {
  let reads = 0;
  const list: CaptureInterface[] = [];
  function* batches(): Generator<PacketBatch> {
    for (let interfaceId = 0; interfaceId < INTERFACES; interfaceId++) {
      const format = { linkType: 1, resolution: "us", snapLength: 0, interfaceId } as const;
      list.push({
        get linkType() {
          reads++;
          return 1;
        },
        resolution: "us",
        snapLength: 0,
      });
      yield createBatch(format, [{ bytes: Uint8Array.of(1), seconds: interfaceId }]);
    }
  }
  // Reading an element counts, too: a loop over all interfaces need not look at their fields.
  const interfaces = new Proxy(list, {
    get(target, name, receiver) {
      if (typeof name === "string" && /^\d+$/.test(name)) reads++;
      return Reflect.get(target, name, receiver);
    },
  });
  return { source: fromBatches(batches(), interfaces), reads: () => reads };
}

async function drain(chunks: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of chunks) count++;
  return count;
}

describe("work grows linearly with the number of interfaces", () => {
  test("encodePcapng: reads an interface a few times", async () => {
    const { source, reads } = countingSource();
    await drain(encodePcapng(source));
    expect(reads()).toBeGreaterThan(INTERFACES);
    expect(reads()).toBeLessThan(READS_PER_INTERFACE * INTERFACES);
  });

  test("mergeSources: reads an interface a few times, also where all have the same description", async () => {
    const sources = [countingSource(), countingSource()];
    const merged = mergeSources(sources.map(({ source }) => source));
    await drain(merged);
    expect(merged.interfaces).toHaveLength(INTERFACES);
    const reads = sources.reduce((sum, source) => sum + source.reads(), 0);
    expect(reads).toBeGreaterThan(2 * INTERFACES);
    expect(reads).toBeLessThan(2 * READS_PER_INTERFACE * INTERFACES);
  });

  test("deriveSource: describes an interface when it is added and at the end", async () => {
    let calls = 0;
    const derived = deriveSource(countingSource().source, {
      stage: (batch) => batch,
      describe: (own) => {
        calls++;
        return { ...own, resolution: "ns" };
      },
    });
    expect(await drain(derived)).toBe(INTERFACES);
    expect(derived.interfaces).toHaveLength(INTERFACES);
    expect(calls).toBe(2 * INTERFACES);
  });
});
