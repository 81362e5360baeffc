/**
 * The eBPF source: what its program costs per packet for how many filters, and recording with it beside `tcpdump -w` with the
 * same filter. A packet's whole cost is what it costs the sender, in whose time the kernel's part of capturing runs, and what it
 * costs the program that captures; at a pace the sender waits busily, so that only the latter can be told.
 *
 *   tsx test/bench/capture/ebpf.ts [--rounds 5] [--packets 500000] [--rates 500000,0] [--sizes 64,512,1500] [--only filters|capture]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bindKernel } from "../../../src/source/ebpf/kernel.js";
import { compileProgram } from "../../../src/source/ebpf/program.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { createNetworkPair, type NetworkPair, whyNoNamespaces } from "../../support/netns.js";
import { repository, run } from "../../support/run.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { summarise } from "../measure.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    packets: { type: "string", default: "500000" },
    rates: { type: "string", default: "500000,0" },
    sizes: { type: "string", default: "64,512,1500" },
    only: { type: "string" },
  },
});
const reason = whyNoNamespaces();
if (reason !== undefined) throw new Error(`this benchmark makes network namespaces: ${reason}`);

console.log(
  `${cpus()[0]?.model}, ${cpus().length} processors, load ${(loadavg()[0] ?? 0).toFixed(2)}, Node ${process.version}`,
);

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
        answer: { kind: "tell" },
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
  console.log("\n| packets/s | bytes | program | offered/s | lost % | sender ns | consumer ns | together |");
  console.log("|---|---|---|---|---|---|---|---|");
  for (const rate of values.rates.split(",").map(Number)) {
    for (const bytes of values.sizes.split(",").map(Number)) {
      const rounds = new Map(PROGRAMS.map((program) => [program, [] as Round[]]));
      for (let round = 0; round < Number(values.rounds); round++) {
        for (const [program, list] of rounds) list.push(await measure(program, rate, bytes));
      }
      for (const [{ name }, list] of rounds) printRounds(name, rate, bytes, list);
    }
  }
}

function printRounds(name: string, rate: number, bytes: number, list: readonly Round[]): void {
  const median = (value: (round: Round) => number) => summarise(list.map(value)).median;
  const cells = [
    rate === 0 ? "flat out" : rate,
    bytes,
    name,
    median(({ perSecond }) => perSecond).toFixed(0),
    median(({ lost }) => 100 * lost).toFixed(3),
    rate === 0 ? median(({ sender }) => sender).toFixed(0) : "–",
    median(({ consumer }) => consumer).toFixed(0),
    rate === 0 ? median(({ sender, consumer }) => sender + consumer).toFixed(0) : "–",
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

/** Files in memory: a disk would be what is measured. */
const MEMORY = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

interface Round {
  readonly perSecond: number;
  readonly lost: number;
  readonly sender: number;
  readonly consumer: number;
}

async function measure(program: Program, rate: number, bytes: number): Promise<Round> {
  const pair = createNetworkPair();
  const folder = mkdtempSync(join(MEMORY, "flowscribe-bench-"));
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
  { command, ready, captured }: Program,
  rate: number,
  bytes: number,
): Promise<Round> {
  const within = [...pin(1), "ip", "netns", "exec", receiver.name];
  const { child, printed } = await start([...within, ...command(receiver.device, folder)], ready);
  const before = processorNanoseconds(child.pid as number);
  const generator = [join(repository, "test/bench/capture/ebpf-generate.ts"), sender.device];
  const [first = "", ...rest] = [
    ...pin(0),
    "ip",
    "netns",
    "exec",
    sender.name,
    process.execPath,
    "--import",
    "tsx",
    ...generator,
  ];
  const offered = JSON.parse(run(first, [...rest, String(bytes), values.packets, String(rate)]));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const spent = processorNanoseconds(child.pid as number) - before;
  const closed = once(child, "close");
  child.kill("SIGINT");
  await closed;
  const count = captured(printed());
  return {
    perSecond: offered.sent / offered.seconds,
    lost: 1 - count / offered.sent,
    sender: offered.nanoseconds,
    consumer: spent / count,
  };
}

async function start(
  [command = "", ...args]: readonly string[],
  ready: string,
): Promise<{ child: ChildProcess; printed: () => string }> {
  const child = spawn(command, args, { cwd: repository, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  while (!printed.includes(ready)) {
    if (child.exitCode !== null) throw new Error(`the program has ended: ${printed}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { child, printed: () => printed };
}

/** Processor time of all threads of a process, from the scheduler. */
function processorNanoseconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}

/** Generator on one processor, the capturing program on another, where there are two. */
function pin(processor: number): readonly string[] {
  return cpus().length > 1 ? ["taskset", "-c", String(processor)] : [];
}

interface Program {
  readonly name: string;
  readonly command: (device: string, folder: string) => readonly string[];
  readonly ready: string;
  readonly captured: (printed: string) => number;
}

const OURS = [process.execPath, "--import", "tsx", join(repository, "test/bench/capture/ebpf-record.ts")];
const ourCount = (printed: string) => JSON.parse(printed.slice(printed.indexOf("{"))).captured;
const tcpdumpCount = (printed: string) => Number(/(\d+) packets? captured/.exec(printed)?.[1]);
const TEXT = ["udp", "dst", "port", "53", "and", "src", "net", "10.77.0.0/24"];

const PROGRAMS: readonly Program[] = [
  {
    name: "tcpdump -w file",
    // -Z: else it gives up the rights by which it may write to the folder.
    command: (device, folder) => [
      "tcpdump",
      "-i",
      device,
      "-n",
      "-Q",
      "in",
      "-Z",
      "root",
      "-w",
      join(folder, "t.pcap"),
      ...TEXT,
    ],
    ready: "listening on",
    captured: tcpdumpCount,
  },
  {
    name: "flowscribe eBPF, file",
    command: (device, folder) => [...OURS, device, folder],
    ready: "READY",
    captured: ourCount,
  },
  {
    name: "tcpdump -w /dev/null",
    command: (device) => ["tcpdump", "-i", device, "-n", "-Q", "in", "-w", "/dev/null", ...TEXT],
    ready: "listening on",
    captured: tcpdumpCount,
  },
  {
    name: "flowscribe eBPF, drained",
    command: (device, folder) => [...OURS, device, folder, "drain"],
    ready: "READY",
    captured: ourCount,
  },
];

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
