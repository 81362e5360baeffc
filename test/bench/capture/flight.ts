/**
 * The flight recorder's ring beside a recording to nowhere and tcpdump, under the same load: what was lost, the processor time per
 * packet and the memory of each program, medians of rounds in turn.
 *
 *   npm run bench:capture:flight [-- --rounds 5] [--rate 400000] [--sizes 512] [--seconds 3]
 */
import { parseArgs } from "node:util";
import { recordFlight } from "./programs.js";
import { alternatePrograms, describeMachine, NOWHERE } from "./round.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    rate: { type: "string", default: "400000" },
    sizes: { type: "string", default: "512" },
    seconds: { type: "string", default: "3" },
  },
});
const rate = Number(values.rate);
const options = { rounds: Number(values.rounds), target: NOWHERE };

console.log(`${describeMachine()}\nmedian of ${values.rounds} rounds in turn, ring of 256 MiB\n`);
console.log(
  "| bytes | program | offered, packets/s | lost | CPU ns/packet (min–max) | beside the recording | memory, MB |",
);
console.log("|---|---|---|---|---|---|---|");
for (const bytes of values.sizes.split(",").map(Number)) {
  const packets = rate * Number(values.seconds);
  const results = await alternatePrograms(recordFlight, { rate, bytes, packets }, options);
  let baseline: number | undefined;
  for (const [{ name }, { lost, offeredPerSecond, consumer, residentMegabytes }] of results) {
    baseline ??= consumer.median;
    const cells = [
      bytes,
      name,
      Math.round(offeredPerSecond.median),
      `${lost.toFixed(2)} %`,
      `${consumer.median.toFixed(0)} (${consumer.min.toFixed(0)}–${consumer.max.toFixed(0)})`,
      (consumer.median / baseline).toFixed(2),
      residentMegabytes.toFixed(0),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
