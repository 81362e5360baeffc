import { closeSync, openSync, writeSync } from "node:fs";

const HEADER_LENGTH = 24;
const RECORD_HEADER_LENGTH = 16;
const CONVERSATIONS = 1000;
const PACKETS_PER_WRITE = 7 * CONVERSATIONS;

/**
 * Writes a pcap of Ethernet frames of one size: 1,000 conversations of TCP and UDP between 10.0.0.0/22 and 10.1.0.0/22 to
 * four ports, the same at every run.
 */
export function writeSyntheticCapture(path: string, packets: number, frameBytes: number): void {
  const descriptor = openSync(path, "w");
  try {
    writeSync(descriptor, pcapHeader());
    const chunk = conversations(frameBytes);
    const recordBytes = RECORD_HEADER_LENGTH + frameBytes;
    for (let written = 0; written < packets; written += PACKETS_PER_WRITE) {
      const count = Math.min(PACKETS_PER_WRITE, packets - written);
      stampTimes(chunk, written, count, recordBytes);
      writeSync(descriptor, chunk, 0, count * recordBytes);
    }
  } finally {
    closeSync(descriptor);
  }
}

export function pcapHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER_LENGTH));
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262_144, true);
  view.setUint32(20, 1, true);
  return new Uint8Array(view.buffer);
}

function conversations(frameBytes: number): Uint8Array {
  const recordBytes = RECORD_HEADER_LENGTH + frameBytes;
  const chunk = new Uint8Array(PACKETS_PER_WRITE * recordBytes);
  const view = new DataView(chunk.buffer);
  const random = createRandom(1);
  const frames = Array.from({ length: CONVERSATIONS }, () => frame(frameBytes, random));
  for (let index = 0; index < PACKETS_PER_WRITE; index++) {
    const at = index * recordBytes;
    view.setUint32(at + 8, frameBytes, true);
    view.setUint32(at + 12, frameBytes, true);
    chunk.set(frames[(index * 7) % CONVERSATIONS]!, at + RECORD_HEADER_LENGTH);
  }
  return chunk;
}

function frame(frameBytes: number, random: (below: number) => number): Uint8Array {
  const bytes = new Uint8Array(frameBytes);
  const view = new DataView(bytes.buffer);
  bytes.fill(2, 0, 6).fill(4, 6, 12);
  view.setUint16(12, 0x0800);
  bytes[14] = 0x45;
  view.setUint16(16, frameBytes - 14);
  bytes[22] = 64;
  bytes[23] = [6, 6, 17][random(3)]!;
  bytes.set([10, 0, random(4), random(256), 10, 1, random(4), random(256)], 26);
  view.setUint16(34, 1024 + random(64_000));
  view.setUint16(36, [80, 443, 53, 8080][random(4)]!);
  return bytes;
}

function stampTimes(chunk: Uint8Array, first: number, count: number, recordBytes: number): void {
  const view = new DataView(chunk.buffer);
  for (let index = 0; index < count; index++) {
    const microseconds = (first + index) * 10;
    view.setUint32(index * recordBytes, 1_700_000_000 + Math.floor(microseconds / 1_000_000), true);
    view.setUint32(index * recordBytes + 4, microseconds % 1_000_000, true);
  }
}

/** mulberry32 (public domain): the same numbers at every run. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
