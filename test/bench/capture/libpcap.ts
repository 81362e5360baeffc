/**
 * Recording with libpcap beside `tcpdump -w` and the npm package `pcap`: the same load from our own generator, over veth pairs
 * between network namespaces. Prints what was lost and the processor time per packet of each program, medians of rounds in turn.
 *
 *   npm run bench:capture:libpcap [-- --rounds 5] [--rates 400000,100000,0] [--sizes 64,512,1500] [--seconds 3] [--megabytes 600] [--targets /dev/shm,/dev/null]
 *
 * Into a file of a folder in memory, as on a disk that is slower than the load one would measure the disk; and to nowhere, as the
 * pages of a file cost more than capturing does, whoever writes them; that at the first of the rates only. A round lasts as many seconds, unless it would add more
 * megabytes to the file.
 */
import { parseArgs } from "node:util";
import { recordEverything, withoutNpmPcap } from "./programs.js";
import { alternatePrograms, describeMachine, type Load, MEMORY, NOWHERE } from "./round.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    rates: { type: "string", default: "400000,100000,0" },
    sizes: { type: "string", default: "64,512,1500" },
    seconds: { type: "string", default: "3" },
    megabytes: { type: "string", default: "600" },
    targets: { type: "string", default: `${MEMORY},${NOWHERE}` },
  },
});
/** What flat out is taken for, to know how long a round lasts. */
const FLAT_OUT = 800_000;
const RECORD_HEADER_LENGTH = 16;

console.log(describeMachine());
if (withoutNpmPcap !== undefined) console.log(withoutNpmPcap);
console.log(`median of ${values.rounds} rounds in turn\n`);
console.log(
  "| to | packets/s | bytes | program | offered, packets/s | lost | CPU ns/packet (min–max) | beside tcpdump | once, ms |",
);
console.log("|---|---|---|---|---|---|---|---|---|");

for (const target of values.targets.split(",")) {
  const rates = values.rates.split(",").map(Number);
  for (const rate of target === NOWHERE ? rates.slice(0, 1) : rates) {
    for (const bytes of values.sizes.split(",").map(Number)) {
      await compare(target, { rate, bytes, packets: packetsOf(rate, bytes) });
    }
  }
}

function packetsOf(rate: number, bytes: number): number {
  const inTime = Number(values.seconds) * (rate || FLAT_OUT);
  const inSpace = (Number(values.megabytes) * 1e6) / (bytes + RECORD_HEADER_LENGTH);
  return Math.floor(Math.min(inTime, inSpace));
}

async function compare(target: string, load: Load): Promise<void> {
  const options = { rounds: Number(values.rounds), target };
  let baseline: number | undefined;
  for (const [{ name }, result] of await alternatePrograms(recordEverything, load, options)) {
    const { lost, offeredPerSecond, consumer, warmUpMilliseconds } = result;
    baseline ??= consumer.median;
    const cells = [
      target,
      load.rate === 0 ? "flat out" : load.rate,
      load.bytes,
      name,
      `${load.packets} at ${offeredPerSecond.median.toFixed(0)}`,
      `${lost.toFixed(3)} %`,
      `${consumer.median.toFixed(0)} (${consumer.min.toFixed(0)}–${consumer.max.toFixed(0)})`,
      (consumer.median / baseline).toFixed(2),
      warmUpMilliseconds.toFixed(0),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
