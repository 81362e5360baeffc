import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createBatch, fromBatches, packetsOf } from "../../src/packet/index.js";
import { decodeCapture, encodePcap } from "../../src/pcap/index.js";

/** A packet and the link type to read it with. */
export interface LinkPacket {
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

/** Writes packets of one link type as a pcap file in which the time of a packet, in seconds, is its index. */
export async function writeIndexed(
  path: string,
  linkType: number,
  packets: readonly LinkPacket[],
): Promise<void> {
  const format = { linkType, resolution: "us", snapLength: 262_144, interfaceId: 0 } as const;
  const batch = createBatch(
    format,
    packets.map(({ bytes }, seconds) => ({ bytes, seconds })),
  );
  await writeFile(path, encodePcap(fromBatches([batch], format)));
}

/** The indices of the packets that match in tcpdump. */
export async function keptByTcpdump(path: string, expression: string): Promise<ReadonlySet<number>> {
  const output = await runTcpdump(["-r", path, "-w", "-", expression]);
  const kept = new Set<number>();
  for await (const batch of await decodeCapture(output)) {
    for (const { seconds } of packetsOf(batch)) kept.add(seconds as number);
  }
  return kept;
}

/** Compiles an expression for a link type, by tcpdump's name for it; rejects with libpcap's message. */
export async function compileByTcpdump(linkTypeName: string, expression: string): Promise<string> {
  return (await runTcpdump(["-y", linkTypeName, "-d", expression])).toString();
}

function runTcpdump(args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    execFile("tcpdump", args, { encoding: "buffer", maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr.toString().trim(), { cause: error }));
    });
  });
}

/** Runs a task for every value, a few at a time. */
export async function forEachParallel<T>(
  values: readonly T[],
  task: (value: T) => Promise<void>,
): Promise<void> {
  const rest = values.values();
  const workers = Array.from({ length: 4 }, async () => {
    for (const value of rest) await task(value);
  });
  await Promise.all(workers);
}
