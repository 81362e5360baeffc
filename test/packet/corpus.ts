import { readdirSync } from "node:fs";
import { join } from "node:path";
import { CaptureError } from "../../src/errors/errors.js";
import { type PacketFilterInit, packetsOf } from "../../src/packet/index.js";
import { openCaptureFile } from "../../src/source/file.js";
import { sharedPath } from "../support/shared.js";
import { type NaiveFilter, type NaivePacket, naiveParse } from "./naive.js";
import type { Random } from "./random.js";

/** A packet of a capture file written by others, with the naive reading of it. */
export interface CorpusPacket {
  /** Path below the folder of captures. */
  readonly file: string;
  readonly linkType: number;
  readonly bytes: Uint8Array;
  readonly naive: NaivePacket | undefined;
}

/** Every packet of every shared capture that can be opened, as far as it can be read. */
export async function readCorpus(): Promise<readonly CorpusPacket[]> {
  const packets: CorpusPacket[] = [];
  for (const file of captureFiles()) packets.push(...(await readCapture(file)));
  return packets;
}

export function captureFiles(): string[] {
  return readdirSync(sharedPath("captures"), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(pcap|pcapng|ntar)$/.test(file))
    .sort();
}

async function readCapture(file: string): Promise<readonly CorpusPacket[]> {
  const packets: CorpusPacket[] = [];
  try {
    const source = await openCaptureFile(join(sharedPath("captures"), file));
    try {
      for await (const batch of source) {
        const { linkType } = batch.format;
        for (const { bytes } of packetsOf(batch)) {
          packets.push({ file, linkType, bytes, naive: naiveParse(bytes, linkType) });
        }
      }
    } finally {
      await source[Symbol.asyncDispose]();
    }
  } catch (error) {
    // Some files are damaged on purpose: what came before the damage counts.
    if (!(error instanceof CaptureError)) throw error;
  }
  return packets;
}

/** Filters whose addresses, prefix lengths, ports and protocols are those of packets, or nearly. */
export function drawFilters(
  packets: readonly CorpusPacket[],
  count: number,
  random: Random,
): readonly (NaiveFilter & PacketFilterInit)[] {
  const byFile = new Map<string, NaivePacket[]>();
  for (const { file, naive } of packets) {
    if (naive === undefined) continue;
    const own = byFile.get(file);
    if (own === undefined) byFile.set(file, [naive]);
    else own.push(naive);
  }
  const files = [...byFile.values()];
  // Files first, so that the few large ones do not supply all the filters.
  return Array.from({ length: count }, () => drawFilter(random.pick(random.pick(files)), random));
}

function drawFilter(packet: NaivePacket, random: Random): NaiveFilter {
  const { family, protocol = 0, ports } = packet;
  // One in eight differs slightly, and should match no packets or other packets.
  const off = () => (random.below(8) === 0 ? 1 : 0);
  return {
    sourceCidr: drawCidr(family, packet.source, random),
    destinationCidr: drawCidr(family, packet.destination, random),
    protocol: random.below(3) === 0 ? 0 : (protocol + off()) % 256,
    sourcePort: random.below(4) === 0 ? Math.min((ports?.source ?? 0) + off(), 65_535) : 0,
    destinationPort: random.below(3) === 0 ? Math.min((ports?.destination ?? 0) + off(), 65_535) : 0,
  };
}

/** A prefix that contains the address, with its host bits set. */
function drawCidr(family: 4 | 6, address: bigint, random: Random): string {
  const width = family === 4 ? 32 : 128;
  const length = random.pick([0, width, random.below(width + 1), random.below(width + 1)]);
  return `${addressText(family, address, length)}/${length}`;
}

function addressText(family: 4 | 6, address: bigint, length: number): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => Number((address >> shift) & 255n)).join(".");
  }
  // Never an IPv4-mapped address: that would be an IPv4 prefix, or rejected.
  const value =
    address >> 32n === 0xffffn ? (address >> BigInt(128 - length)) << BigInt(128 - length) : address;
  if (value >> 32n === 0xffffn) return "2001:db8::";
  return (value.toString(16).padStart(32, "0").match(/.{4}/g) ?? []).join(":");
}
