import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PacketBatch } from "../../src/packet/index.js";
import { decodeCapture } from "../../src/pcap/index.js";
import { idsOf } from "../recorder/packets.js";

/** A folder that is gone when the test is. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "flowscribe-sink-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The path of the one file in a folder. */
export async function onlyFile(folder: string): Promise<string> {
  const names = await readdir(folder);
  if (names.length !== 1) throw new Error(`not one file: ${names.join(", ")}`);
  return join(folder, names[0]!);
}

export async function decodeFile(path: string) {
  await using source = await decodeCapture(await readFile(path));
  const batches: PacketBatch[] = [];
  for await (const batch of source) batches.push(batch);
  return { source, batches, ids: batches.flatMap(idsOf) };
}

const DESCRIPTORS = "/proc/self/fd";

/** The files of a folder that this process has open, deleted ones included; none where the system does not tell. */
export function openFilesIn(folder: string): string[] {
  if (!existsSync(DESCRIPTORS)) return [];
  return readdirSync(DESCRIPTORS)
    .map((descriptor) => targetOf(join(DESCRIPTORS, descriptor)))
    .filter((target) => target.startsWith(folder));
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return ""; // The one that lists them.
  }
}
