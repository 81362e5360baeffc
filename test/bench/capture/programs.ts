import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../support/run.js";

/** What a program says when it is stopped. */
export interface Captured {
  readonly captured: number;
  readonly lost: number;
}

/** A program that captures, and runs. */
export interface Capturing {
  readonly pid: number;
  stop(): Promise<Captured>;
}

/** A program that captures from an interface. */
export interface Program {
  readonly name: string;
  /**
   * @param within What to run it by: a processor, a network namespace.
   * @param path What to write to.
   */
  start(within: readonly string[], device: string, path: string): Promise<Capturing>;
}

const HERE = join(repository, "test/bench/capture");
const NPM_PCAP = join(HERE, "npm-pcap");

/** @param file Relative to this folder; it says READY, and at the end a JSON object on a line. */
function nodeProgram(name: string, file: string, ...args: readonly string[]): Program {
  return {
    name,
    start: (within, device, path) =>
      start([...within, process.execPath, join(HERE, file), device, path, ...args], "READY", (printed) =>
        JSON.parse(printed.slice(printed.indexOf("{"))),
      ),
  };
}

function tcpdump(name: string, ...args: readonly string[]): Program {
  return {
    name,
    start: (within, device, path) =>
      // -Z: else it gives up the rights by which it may write to the folder.
      start(
        [...within, "tcpdump", "-i", device, "-n", "-Z", "root", "-w", path, ...args],
        "listening on",
        (printed) => ({
          captured: Number(/(\d+) packets? captured/.exec(printed)?.[1]),
          lost: Number(/(\d+) packets? dropped by kernel/.exec(printed)?.[1]),
        }),
      ),
  };
}

/** What `record-ebpf.mjs` asks for. */
const EBPF_FILTER = "udp dst port 53 and src net 10.77.0.0/24".split(" ");

/** Why npm's `pcap` is not among them. */
export const withoutNpmPcap = existsSync(join(NPM_PCAP, "node_modules"))
  ? undefined
  : `npm pcap is not measured: it compiles against libpcap's headers (Debian: libpcap-dev), then \`npm ci --prefix ${NPM_PCAP}\``;

/** Everything. The first is what the others are measured by. */
export const recordEverything: readonly Program[] = [
  tcpdump("tcpdump -w"),
  nodeProgram("flowscribe", "programs/record-libpcap.mjs"),
  ...(withoutNpmPcap === undefined
    ? [
        nodeProgram("npm pcap, stream", "npm-pcap/record.mjs", "stream"),
        nodeProgram("npm pcap, blocks", "npm-pcap/record.mjs", "blocks"),
      ]
    : []),
];

/** Into memory, beside writing to nowhere. */
export const recordFlight: readonly Program[] = [
  nodeProgram("flowscribe record -w /dev/null", "programs/record-libpcap.mjs"),
  nodeProgram("flight recorder, libpcap, events", "programs/flight.mjs", "events", "libpcap"),
  nodeProgram("flight recorder, libpcap, packets", "programs/flight.mjs", "packets", "libpcap"),
  nodeProgram("flight recorder, packet socket, events", "programs/flight.mjs", "events", "packet-socket"),
  nodeProgram("flight recorder, packet socket, packets", "programs/flight.mjs", "packets", "packet-socket"),
  tcpdump("tcpdump -w /dev/null"),
];

/** With a filter. */
export const recordFiltered: readonly Program[] = [
  tcpdump("tcpdump -w", "-Q", "in", ...EBPF_FILTER),
  nodeProgram("flowscribe eBPF", "programs/record-ebpf.mjs"),
];

async function start(
  [command = "", ...args]: readonly string[],
  ready: string,
  read: (printed: string) => Captured,
): Promise<Capturing> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const collect = (text: string) => {
    printed += text;
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  while (!printed.includes(ready)) {
    await Promise.race([
      once(child.stdout, "data"),
      once(child.stderr, "data"),
      failed(child, () => printed),
    ]);
  }
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has not started`);
  return {
    pid,
    stop: async () => {
      const closed = once(child, "close");
      child.kill("SIGINT");
      await closed;
      return read(printed);
    },
  };
}

async function failed(child: ChildProcess, printed: () => string): Promise<never> {
  await once(child, "close");
  throw new Error(`the program has ended: ${printed()}`);
}
