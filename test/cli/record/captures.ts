// Captures to record from, and what was recorded.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { createBatch, fromBatches, type PacketFormat, type PacketInit } from "../../../src/packet/index.js";
import { encodePcap, encodePcapng } from "../../../src/pcap/index.js";
import { collect, packetsIn, type ReadPacket } from "../../pcap/read.js";
import { ETHERNET, type PacketSpec, packetBytes } from "../../recorder/packets.js";
import { fakeClock } from "../../support/fake-clock.js";
import { repository } from "../../support/run.js";
import { runFake } from "../fake-io.js";

/** The folder of the current test; see {@link useFolders}. */
export let folder: string;

/** Creates a {@link folder} for each test of the file that calls it, and removes all of them at its end. */
export function useFolders(): void {
  const root = mkdtempSync(join(tmpdir(), "flowscribe-record-"));
  let tests = 0;
  beforeEach(() => {
    folder = join(root, String(tests++));
    mkdirSync(folder);
  });
  afterAll(() => rmSync(root, { recursive: true }));
}

export const SAMPLE = join(repository, "examples/captures/sample.pcap");
export const SAMPLE_NG = join(repository, "examples/captures/sample.pcapng");
/** 2025-04-12T22:48:35Z, a recorded end time of hubble record. */
export const NOW_MS = Date.UTC(2025, 3, 12, 22, 48, 35);
export const TIME = "2025-04-12T22:48:35Z";

export function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A packet whose time in seconds is its id; the nanoseconds show what a conversion truncates. */
export function packet(spec: PacketSpec): PacketInit {
  return { bytes: packetBytes(spec), seconds: spec.id, nanoseconds: 123_456_789 };
}

export async function capture(
  name: string,
  specs: readonly (number | PacketSpec)[],
  { format = ETHERNET, pcapng = false }: { format?: PacketFormat; pcapng?: boolean } = {},
): Promise<string> {
  const packets = specs.map((spec) => packet(typeof spec === "number" ? { id: spec } : spec));
  const source = fromBatches([createBatch(format, packets)], format);
  return file(name, await collect(pcapng ? encodePcapng(source) : encodePcap(source)));
}

/** The ids of the recorded packets, which are their seconds. */
export async function idsIn(path: string): Promise<(number | undefined)[]> {
  return (await packetsIn(readFileSync(path))).map(({ seconds }) => seconds);
}

export function record(...args: readonly string[]): ReturnType<typeof runFake> {
  return runFake(["record", ...args], { clock: fakeClock(NOW_MS) });
}

/** Records to a file and returns its packets. */
export async function recorded(...args: readonly string[]): Promise<readonly ReadPacket[]> {
  const path = join(folder, "out");
  const { code, err } = await record("-w", path, "--overwrite", ...args);
  expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
  return packetsIn(readFileSync(path));
}

export async function idsRecorded(...args: readonly string[]): Promise<(number | undefined)[]> {
  return (await recorded(...args)).map(({ seconds }) => seconds);
}
