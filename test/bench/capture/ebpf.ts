/**
 * The eBPF source: what its program costs per packet for how many filters, and recording with it beside `tcpdump -w` with the
 * same filter. A packet's whole cost is what it costs the sender, in whose calls the kernel's part of capturing runs, and what it
 * costs the program that captures.
 *
 *   npm run bench:capture:ebpf [-- --rounds 5] [--packets 2000000] [--rates 500000,0] [--sizes 64,512,1500] [--megabytes 1000] [--targets /dev/shm] [--only filters|capture]
 *
 * A round sends as many packets, unless its file would grow beyond the megabytes.
 */
import { parseArgs } from "node:util";
import { compileProgram } from "../../../src/source/ebpf/program/program.js";
import { bindKernel } from "../../../src/source/native/kernel.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { recordFiltered } from "./programs.js";
import { alternatePrograms, describeMachine, type Load, MEMORY } from "./round.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    packets: { type: "string", default: "2000000" },
    rates: { type: "string", default: "500000,0" },
    sizes: { type: "string", default: "64,512,1500" },
    megabytes: { type: "string", default: "1000" },
    targets: { type: "string", default: MEMORY },
    only: { type: "string" },
  },
});
console.log(describeMachine());

async function measureFilters(): Promise<void> {
  const kernel = bindKernel(await loadKoffi());
  const packet = ipv4Frame({ length: 64 });
  console.log(
    "\n| filters | kind | compile and load, ms | instructions | tables, bytes | ns/packet (min of 7) |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const { kind, filter } of KINDS) {
    for (const count of [1, 10, 100, 1000, 3000]) {
      const include = Array.from({ length: count }, (_, index) => filter(index));
      const start = performance.now();
      const { program, tables } = compileProgram(include, {
        layer: 2,
        window: 65_535,
        answer: { kind: "report" },
      });
      const map = tables.length === 0 ? -1 : kernel.createConstantMap("bench", tables);
      const loaded = kernel.loadProgram("bench", program.encode({ tables: map }));
      const milliseconds = performance.now() - start;
      const runs = Array.from({ length: 7 }, () => kernel.run(loaded, packet, 200_000).nanoseconds);
      kernel.close(loaded);
      if (map >= 0) kernel.close(map);
      console.log(
        `| ${count} | ${kind} | ${milliseconds.toFixed(1)} | ${program.instructions.length} | ${tables.length} | ${Math.min(...runs)} |`,
      );
    }
  }
}

async function measureCaptures(): Promise<void> {
  console.log(
    "\n| to | packets/s | bytes | program | offered/s | lost % | sender ns | consumer ns | together |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const target of values.targets.split(",")) {
    for (const rate of values.rates.split(",").map(Number)) {
      for (const bytes of values.sizes.split(",").map(Number)) {
        const inSpace = Math.floor((Number(values.megabytes) * 1e6) / bytes);
        await compare(target, {
          rate,
          bytes,
          packets: Math.min(Number(values.packets), inSpace),
        });
      }
    }
  }
}

async function compare(target: string, load: Load): Promise<void> {
  const options = { rounds: Number(values.rounds), target };
  for (const [{ name }, result] of await alternatePrograms(recordFiltered, load, options)) {
    const { lost, offeredPerSecond, sender, consumer, together } = result;
    const cells = [
      target,
      load.rate === 0 ? "flat out" : load.rate,
      load.bytes,
      name,
      offeredPerSecond.median.toFixed(0),
      lost.toFixed(3),
      ...[sender, consumer, together].map(({ median }) => median.toFixed(0)),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

const any = "0.0.0.0/0";
const KINDS = [
  {
    kind: "one shape",
    filter: (index: number) => ({
      sourceCidr: `10.${index >> 8}.${index & 255}.0/24`,
      destinationCidr: any,
      protocol: 17,
      destinationPort: 1000 + index,
    }),
  },
  {
    kind: "many shapes",
    filter: (index: number) => ({
      sourceCidr: `${index % 223}.${(index * 7) % 256}.${(index * 13) % 256}.0/${1 + (index % 32)}`,
      destinationCidr: `${(index * 3) % 223}.${(index * 11) % 256}.0.0/${(index * 5) % 33}`,
      destinationPort: 1000 + index,
      ...(index % 3 === 0 && { sourcePort: 2000 + index }),
    }),
  },
];

if (values.only !== "capture") await measureFilters();
if (values.only !== "filters") await measureCaptures();
