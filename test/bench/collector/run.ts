// npm run bench:collector -- [SECONDS] [FLOWS PER SECOND…]: a server, `flowscribe collect` on one core, and a file. For each rate it
// prints how many flows arrived, how late, and what the collector took of the processor and of memory.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "../../support/run.js";

const SAMPLE_MS = 1000;
/** Until the stream is open and code is compiled. */
const WARM_UP_MS = 5000;
const TICKS_PER_SECOND = 100;

const [seconds = "20", ...rates] = process.argv.slice(2);
for (const rate of rates.length === 0 ? ["5000", "10000", "20000"] : rates) {
  await measure(Number(rate), Number(seconds));
}

interface Sample {
  readonly read: number;
  readonly acknowledged: number;
  readonly lagSeconds: number;
  readonly residentMb: number;
  readonly cpuSeconds: number;
  readonly atMs: number;
}

async function measure(rate: number, duration: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-bench-"));
  const server = spawn(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "server.ts"), String(rate)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let collector: ChildProcess | undefined;
  try {
    const address = await firstLine(server);
    const config = {
      source: { observer: { server: address } },
      outputs: [
        { name: "file", file: { path: join(folder, "flows.jsonl"), fileMaxSizeMb: 200, fileMaxBackups: 1 } },
      ],
      checkpoint: join(folder, "checkpoint.json"),
      listen: "127.0.0.1:0",
    };
    writeFileSync(join(folder, "collect.json"), JSON.stringify(config));
    const program = join(repository, "dist/cli/main.js");
    collector = spawn(
      "taskset",
      ["-c", "1", process.execPath, program, "collect", "--config", join(folder, "collect.json")],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const [, url = ""] = /serving (\S+\/metrics)/.exec(await lineWith(collector, "serving")) ?? [];
    await sleep(WARM_UP_MS);
    const first = await sample(url, collector.pid!);
    let worst = 0;
    let resident = 0;
    let last = first;
    while (last.atMs - first.atMs < duration * 1000) {
      await sleep(SAMPLE_MS);
      last = await sample(url, collector.pid!);
      worst = Math.max(worst, last.lagSeconds);
      resident = Math.max(resident, last.residentMb);
    }
    const elapsed = (last.atMs - first.atMs) / 1000;
    const arrived = last.acknowledged - first.acknowledged;
    const cpu = last.cpuSeconds - first.cpuSeconds;
    console.log(
      [
        `${rate} flows/s for ${elapsed.toFixed(0)} s: ${(arrived / elapsed).toFixed(0)} flows/s stored`,
        `lag at most ${worst.toFixed(2)} s`,
        `${((100 * cpu) / elapsed).toFixed(0)} % of a core, ${((1e6 * cpu) / arrived).toFixed(1)} us for each`,
        `memory ${first.residentMb.toFixed(0)} to ${last.residentMb.toFixed(0)} MB, at most ${resident.toFixed(0)}`,
        `${(statSync(join(folder, "flows.jsonl")).size / 1e6).toFixed(0)} MB in the last file`,
      ].join(", "),
    );
  } finally {
    collector?.kill("SIGTERM");
    if (collector !== undefined && collector.exitCode === null) await once(collector, "exit");
    server.kill("SIGTERM");
    rmSync(folder, { recursive: true });
  }
}

async function sample(url: string, pid: number): Promise<Sample> {
  const text = await (await fetch(url)).text();
  const value = (name: string) =>
    Number(new RegExp(`^flowscribe_collector_${name} (.*)$`, "m").exec(text)?.[1] ?? 0);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return {
    read: value("events_read_total"),
    acknowledged: value("events_acknowledged_total"),
    lagSeconds: value("lag_seconds"),
    residentMb: (Number(pages) * 4096) / 1e6,
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND,
    atMs: performance.now(),
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line;
  throw new Error("the server has ended");
}

async function lineWith(child: ChildProcess, text: string): Promise<string> {
  for await (const line of createInterface({ input: child.stderr! })) if (line.includes(text)) return line;
  throw new Error("the collector has ended");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
