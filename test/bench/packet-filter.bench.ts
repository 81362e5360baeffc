// The packet predicate alone, on packets that lie in the cache, by the number of filters; beside one predicate per filter.
import { compilePacketFilter, createBatch, type PacketFilterInit } from "../../dist/packet/index.js";
import { createRandom } from "./inputs/synthetic-capture.js";
import { alternate, ROUNDS } from "./measure.js";
import { type BenchmarkResult, formatRatio } from "./report/result.js";

const PACKETS = 2000;

export function run(): BenchmarkResult {
  const random = createRandom(2);
  const batch = createBatch(
    { linkType: 1, resolution: "us", snapLength: 0, interfaceId: 0 },
    Array.from({ length: PACKETS }, () => ({ bytes: frame(random) })),
  );
  const starts = [...batch.offsets].map((offset) => offset + 16);
  const rows = [1, 10, 100, 1000, 10_000].map((count) => {
    const filters = Array.from({ length: count }, () => filter(random));
    const together = compilePacketFilter(filters);
    const single = filters.map((one) => compilePacketFilter([one]));
    const measure = (wanted: (start: number) => boolean, repeats: number) => () => {
      let matched = 0;
      const begin = process.hrtime.bigint();
      for (let repeat = 0; repeat < repeats; repeat++) {
        for (const start of starts) if (wanted(start)) matched++;
      }
      const nanoseconds = Number(process.hrtime.bigint() - begin);
      if (matched < 0) throw new Error("unreachable");
      return nanoseconds / (repeats * PACKETS);
    };
    const figures = alternate(ROUNDS, {
      together: measure((start) => together(batch.records, start, start + 128, 1), Math.max(1, 200)),
      oneByOne: measure(
        (start) => single.some((predicate) => predicate(batch.records, start, start + 128, 1)),
        Math.max(1, Math.floor(200 / count)),
      ),
    });
    const name = count === 1 ? "1 filter" : `${count.toLocaleString("en")} filters`;
    return { name, figures: [figures.together, figures.oneByOne] };
  });
  const [one, many] = [rows[0]!.figures[0]!.median, rows.at(-1)!.figures[0]!.median];
  const title = `A packet filter, by number of filters (${PACKETS} cached Ethernet frames of 128 bytes)`;
  return {
    tables: [{ title, unit: "ns", digits: 1, columns: ["together", "one by one"], rows }],
    gain: `10,000 packet filters take ${formatRatio(many / one)} times as long as one.`,
  };
}

function frame(random: (below: number) => number): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  bytes[14] = 0x45;
  bytes[23] = [6, 17][random(2)]!;
  bytes.set([10, 0, random(4), random(256), 10, 1, random(4), random(256)], 26);
  view.setUint16(34, 1024 + random(64_000));
  view.setUint16(36, [80, 443, 53, 8080][random(4)]!);
  return bytes;
}

function filter(random: (below: number) => number): PacketFilterInit {
  return {
    sourceCidr: `10.0.${random(4)}.${random(256)}/32`,
    destinationCidr: `10.1.${random(4)}.0/24`,
    destinationPort: [80, 443, 53, 8080][random(4)]!,
    protocol: 6,
  };
}
