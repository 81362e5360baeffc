import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
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

/** A program that records an interface to a file. */
export interface Program {
  readonly name: string;
  /** @param within What to run it by: a processor, a network namespace. */
  start(within: readonly string[], device: string, folder: string): Promise<Capturing>;
}

const OURS = join(repository, "test/bench/capture/programs/record.mjs");

/** The first is what the others are measured by. */
export const programs: readonly Program[] = [
  {
    name: "tcpdump -w",
    start: (within, device, folder) =>
      // -Z: else it gives up the rights by which it may write to the folder.
      start(
        [...within, "tcpdump", "-i", device, "-n", "-Z", "root", "-w", join(folder, "capture.pcap")],
        "listening on",
        (printed) => ({
          captured: Number(/(\d+) packets? captured/.exec(printed)?.[1]),
          lost: Number(/(\d+) packets? dropped by kernel/.exec(printed)?.[1]),
        }),
      ),
  },
  {
    name: "flowscribe",
    start: (within, device, folder) =>
      start([...within, process.execPath, OURS, device, folder], "READY", (printed) =>
        JSON.parse(printed.slice(printed.indexOf("{"))),
      ),
  },
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
