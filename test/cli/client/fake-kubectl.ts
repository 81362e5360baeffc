import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oneTurn } from "../fake-io.js";

/** A program `kubectl` in a folder of its own, which logs its runs. */
export interface FakeKubectl extends Disposable {
  /** An environment in which it is the only program in PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** The runs that have started, first one first. */
  runs(): KubectlRun[];
  /** Waits until it has been started this many times. */
  started(count?: number): Promise<KubectlRun[]>;
}

export interface KubectlRun {
  readonly pid: number;
  readonly args: readonly string[];
}

/** What a run does once it is logged, in the language of the script. */
export const BEHAVIOURS = {
  /** Forwards the port to `target`, like kubectl. */
  forward: (target: string) => `
    const [host, port] = ${JSON.stringify(target)}.split(":");
    const server = require("node:net").createServer((socket) => {
      const upstream = require("node:net").connect(Number(port), host);
      socket.pipe(upstream).pipe(socket);
      socket.on("error", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
    });
    server.listen(Number(process.argv.at(-1).split(":")[0]), "127.0.0.1", () => {
      const { port } = server.address();
      process.stdout.write("Forwarding from 127.0.0.1:" + port + " -> 4245\\n");
    });`,
  hang: () => "setInterval(() => {}, 1e6);",
  hangDespiteSigterm: () => 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6);',
  exit: (code: number, stderr: string) =>
    `process.stderr.write(${JSON.stringify(stderr)}); process.exitCode = ${code};`,
  print: (stdout: string) => `process.stdout.write(${JSON.stringify(stdout)}); setInterval(() => {}, 1e6);`,
} as const;

/** Creates the program. */
export function fakeKubectl(behaviour: string): FakeKubectl {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-kubectl-"));
  const log = join(folder, "log");
  const logRun = `require("node:fs").appendFileSync(${JSON.stringify(log)},
    JSON.stringify({ pid: process.pid, args: process.argv.slice(2) }) + "\\n");`;
  const isHandler = behaviour.startsWith("process.on");
  const parts = isHandler ? [behaviour, logRun] : [logRun, behaviour];
  writeFileSync(join(folder, "kubectl"), `#!${process.execPath}\n${parts.join("\n")}\n`, { mode: 0o755 });
  const runs = (): KubectlRun[] =>
    existsSync(log)
      ? readFileSync(log, "utf8")
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      : [];
  return {
    env: { PATH: folder },
    runs,
    async started(count = 1) {
      while (runs().length < count) await oneTurn();
      return runs();
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** Whether a process runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
