import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Namespace } from "../support/netns.js";
import { repository } from "../support/run.js";

/** A running program. */
export interface Running {
  readonly child: ChildProcess;
  /** How it ended and what it printed. */
  readonly ended: Promise<{ code: number | null; signal: string | null; printed: string }>;
  /** Until it has printed something. */
  readonly printed: () => Promise<unknown>;
}

/** Runs a TypeScript program of the tests in a namespace, on its own. */
export function startProgram({ name }: Namespace, program: string, ...args: string[]): Running {
  const path = join(repository, "test", program);
  const node = [process.execPath, "--import", "tsx", path, ...args];
  const child = spawn("ip", ["netns", "exec", name, ...node], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const collect = (text: string) => {
    printed += text;
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  return {
    child,
    ended: once(child, "close").then(([code, signal]) => ({ code, signal, printed })),
    printed: () => once(child.stdout, "data"),
  };
}

/** The ways to end a process or worker thread that has a capture, of every live source: see programs/ending.ts. */
export const ENDINGS: readonly { way: string; device: "lo" | "veth" }[] = [
  { way: "read and disposed", device: "lo" },
  { way: "read and left open", device: "lo" },
  { way: "exit", device: "veth" },
  { way: "exit while closing", device: "veth" },
  { way: "exit while opening", device: "veth" },
  { way: "by itself", device: "veth" },
  { way: "stopped", device: "veth" },
  { way: "worker read and disposed", device: "lo" },
  { way: "worker read and left open", device: "lo" },
  { way: "worker exits", device: "veth" },
  { way: "worker terminated", device: "veth" },
];
