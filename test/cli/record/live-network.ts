import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { isBefore } from "../../../src/source/ebpf/open-error.js";
import { listDevices } from "../../../src/source/libpcap/index.js";
import { createNetworkPair, type NetworkPair, whyNoNamespaces } from "../../support/netns.js";
import { repository } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";

/** The built program. */
export const MAIN = join(repository, "dist/cli/main.js");

/** Why eBPF capture is unavailable; undefined if it is available. */
export const noEbpf = isBefore(release(), [6, 6]) ? `Linux ${release()} has no TCX` : undefined;

const reason =
  whyNoNamespaces() ??
  (await listDevices().then(
    () => undefined,
    (error: Error) => error.message,
  ));

/** A running process of the built program. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** Two namespaces, a folder, and the built program in the receiving namespace. */
export interface LiveNetwork {
  readonly pair: NetworkPair;
  readonly folder: string;
  /** Starts the program and waits until standard error contains the string. */
  start(ready: string, ...args: readonly string[]): Promise<Running>;
  /** Sends UDP datagrams to a port; the length of each is its number. */
  send(port: number, count: number): void;
}

/** A suite that runs the built program on a network of its own; call `live` only inside of tests. */
export function describeOnNetwork(name: string, body: (live: () => LiveNetwork) => void): void {
  describeUnless(name, reason, () => {
    let live: LiveNetwork | undefined;
    beforeAll(() => {
      live = createLiveNetwork();
    });
    afterAll(() => {
      live?.pair.remove();
      if (live !== undefined) rmSync(live.folder, { recursive: true });
    });
    body(() => {
      if (live === undefined) throw new TypeError("only inside of tests");
      return live;
    });
  });
}

function createLiveNetwork(): LiveNetwork {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-live-"));
  const pair = createNetworkPair();
  return {
    pair,
    folder,
    start: (ready, ...args) =>
      start(["netns", "exec", pair.receiver.name, process.execPath, MAIN, ...args], ready),
    send: (port, count) => {
      const script = `for (( i = 1; i <= ${count}; i++ )); do printf "%\${i}s" > /dev/udp/${pair.receiver.ipv4}/${port}; done`;
      const { status, stderr } = spawnSync("ip", ["netns", "exec", pair.sender.name, "bash", "-c", script]);
      if (status !== 0) throw new Error(String(stderr));
    },
  };
}

async function start(args: readonly string[], ready: string): Promise<Running> {
  const child = spawn("ip", args, { stdio: "pipe" });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes) => {
    out += String(bytes);
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, out, err }));
  });
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (bytes) => {
      err += String(bytes);
      if (err.includes(ready)) resolve();
    });
    void ended.then(() => reject(new Error(`ended before it began: ${err}`)));
  });
  return { child, ended };
}
