/**
 * Recording to a file beside `tcpdump -w`: the same load from our own generator, over a veth pair between two network
 * namespaces. Prints the packets lost and the processor time per packet of each program, medians of alternating rounds.
 *
 *   npm run bench:capture [-- --rounds 5] [--rates 100000,400000,0] [--sizes 64,512,1500] [--seconds 8] [--megabytes 700] [--folder /tmp]
 *
 * A round lasts as many seconds, unless its file would grow beyond the megabytes: on a disk that is slower than the load
 * one would measure the disk.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createNetworkPair, type NetworkPair, whyNoNamespaces } from "../../support/netns.js";
import { repository, run } from "../../support/run.js";
import { summarise } from "../measure.js";
import { type Captured, type Program, programs } from "./programs.js";

interface Offered {
  readonly sent: number;
  readonly perSecond: number;
}

interface Round extends Captured {
  readonly lostPart: number;
  readonly nanoseconds: number;
  readonly offered: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    rates: { type: "string", default: "400000,100000,0" },
    sizes: { type: "string", default: "64,512,1500" },
    seconds: { type: "string", default: "8" },
    megabytes: { type: "string", default: "700" },
    folder: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(values.rounds);
/** What flat out is taken for, to know how long a round lasts. */
const FLAT_OUT = 800_000;

function packetsOf(rate: number, bytes: number): number {
  const inTime = Number(values.seconds) * (rate || FLAT_OUT);
  const inSpace = (Number(values.megabytes) * 1e6) / (bytes + 16);
  return Math.floor(Math.min(inTime, inSpace));
}

const reason = whyNoNamespaces();
if (reason !== undefined) throw new Error(`this benchmark makes network namespaces: ${reason}`);

/** Generator on one processor, the capturing program on another, where there are two. */
const pin = (processor: number) => (cpus().length > 1 ? ["taskset", "-c", String(processor)] : []);

const load = loadavg()[0] ?? 0;
console.log(
  `${cpus()[0]?.model}, ${cpus().length} processors, load ${load.toFixed(2)}, Node ${process.version}`,
);
console.log(`median of ${rounds} rounds in turn, files in ${values.folder}\n`);
console.log(
  "| packets/s | bytes | program | offered, packets/s | lost | CPU ns/packet (min–max) | beside tcpdump |",
);
console.log("|---|---|---|---|---|---|---|");

for (const rate of values.rates.split(",").map(Number)) {
  for (const bytes of values.sizes.split(",").map(Number)) await compare(rate, bytes);
}

async function compare(rate: number, bytes: number): Promise<void> {
  const results = new Map<Program, Round[]>(programs.map((program) => [program, []]));
  for (let round = 0; round < rounds; round++) {
    for (const program of programs) results.get(program)?.push(await measure(program, rate, bytes));
  }
  const [first] = programs;
  const baseline =
    first && summarise((results.get(first) ?? []).map(({ nanoseconds }) => nanoseconds)).median;
  for (const [{ name }, list] of results) {
    const cost = summarise(list.map(({ nanoseconds }) => nanoseconds));
    const lost = summarise(list.map(({ lostPart }) => 100 * lostPart));
    const offered = summarise(list.map((round) => round.offered));
    console.log(
      `| ${rate === 0 ? "flat out" : rate} | ${bytes} | ${name} | ${packetsOf(rate, bytes)} at ${offered.median} | ${lost.median.toFixed(2)} % (≤ ${lost.max.toFixed(2)}) | ${cost.median.toFixed(0)} (${cost.min.toFixed(0)}–${cost.max.toFixed(0)}) | ${(cost.median / (baseline ?? Number.NaN)).toFixed(2)} |`,
    );
  }
}

async function measure(program: Program, rate: number, bytes: number): Promise<Round> {
  const pair = createNetworkPair();
  const folder = mkdtempSync(join(values.folder, "flowscribe-bench-"));
  try {
    return await measureBetween(pair, folder, program, rate, bytes);
  } finally {
    rmSync(folder, { recursive: true });
    pair.remove();
  }
}

async function measureBetween(
  { sender, receiver }: NetworkPair,
  folder: string,
  program: Program,
  rate: number,
  bytes: number,
): Promise<Round> {
  const capture = await program.start(
    [...pin(1), "ip", "netns", "exec", receiver.name],
    receiver.device,
    folder,
  );
  const before = processorNanoseconds(capture.pid);
  const offered = generate([...pin(0), "ip", "netns", "exec", sender.name], sender.device, bytes, rate);
  await settled(capture.pid);
  const spent = processorNanoseconds(capture.pid) - before;
  const captured = await capture.stop();
  return {
    ...captured,
    lostPart: 1 - captured.captured / offered.sent,
    nanoseconds: spent / captured.captured,
    offered: offered.perSecond,
  };
}

function generate(within: readonly string[], device: string, bytes: number, rate: number): Offered {
  const [command = "", ...args] = within;
  const generator = join(repository, "test/support/traffic/generate.ts");
  const node = [process.execPath, "--import", "tsx", generator];
  return JSON.parse(
    run(command, [...args, ...node, device, String(bytes), String(packetsOf(rate, bytes)), String(rate)]),
  );
}

/** Processor time of all threads of a process, from the scheduler. */
function processorNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}

/** Waits until the process has worked off what it has. */
async function settled(pid: number): Promise<void> {
  for (let last = -1, now = processorNanoseconds(pid); now - last > 1_000_000; ) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    last = now;
    now = processorNanoseconds(pid);
  }
}
