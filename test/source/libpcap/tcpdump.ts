import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { PATIENCE } from "../../support/patience.js";

/** A running tcpdump. */
export interface Tcpdump {
  /** Waits until these bytes are in the last part of the file, stops, and returns the file without its header. */
  finish(mark: Uint8Array): Promise<Buffer>;
  /** Stops without waiting for anything. */
  stop(): Promise<void>;
}

/** The bytes of a pcap file's header. */
export const FILE_HEADER_LENGTH = 24;

/** Starts `tcpdump -w` with times in nanoseconds; it captures when this resolves. */
export async function startTcpdump(path: string, device: string, ...args: string[]): Promise<Tcpdump> {
  const fixed = [
    "-i",
    device,
    "-n",
    "-U",
    "-Z",
    "root",
    "-B",
    "131072",
    "--time-stamp-precision=nano",
    "-w",
    path,
  ];
  const child = spawn("tcpdump", [...fixed, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  while (!printed.includes("listening on")) {
    await Promise.race([once(child.stderr, "data"), closed]);
    if (child.exitCode !== null) throw new Error(`tcpdump: ${printed}`);
  }
  const stop = async () => {
    child.kill("SIGINT");
    await closed;
    if (!/\n0 packets dropped by kernel/.test(printed))
      throw new Error(`tcpdump has lost packets: ${printed}`);
  };
  return {
    stop,
    finish: async (mark) => {
      const end = performance.now() + PATIENCE.timeout;
      while (!endOf(path).includes(Buffer.from(mark))) {
        if (performance.now() > end) throw new Error("tcpdump has not written the last packet");
        await setTimeout(20);
      }
      await stop();
      return readFileSync(path).subarray(FILE_HEADER_LENGTH);
    },
  };
}

const END_LENGTH = 65_536;

/** The last bytes of a file that is still being written. */
function endOf(path: string): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const file = openSync(path, "r");
  try {
    const end = Buffer.alloc(END_LENGTH);
    const { size } = fstatSync(file);
    return end.subarray(0, readSync(file, end, 0, END_LENGTH, Math.max(0, size - END_LENGTH)));
  } finally {
    closeSync(file);
  }
}
