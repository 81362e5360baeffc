import { CaptureError } from "../../src/errors/errors.js";
import { type PacketBatch, packetsOf } from "../../src/packet/batch.js";
import type { PacketSource } from "../../src/packet/source.js";
import { type BytesLike, type CaptureSource, decodeCapture } from "../../src/pcap/index.js";

/** A packet as plain values, which compare and print well. */
export interface ReadPacket {
  readonly interfaceId: number;
  readonly linkType: number;
  readonly seconds: number | undefined;
  readonly nanoseconds: number;
  readonly originalLength: number;
  /** Hexadecimal. */
  readonly data: string;
  readonly comments: readonly string[];
}

/** What came of reading a capture to its end. */
export interface Outcome {
  readonly packets: readonly ReadPacket[];
  readonly error?: unknown;
  /** Absent when the capture could not even be opened. */
  readonly source?: CaptureSource;
}

/** Reads everything there is; a fault ends the packets and is reported beside them. */
export async function readAll(bytes: BytesLike | Promise<CaptureSource>): Promise<Outcome> {
  const packets: ReadPacket[] = [];
  let source: CaptureSource | undefined;
  try {
    source = await (bytes instanceof Promise ? bytes : decodeCapture(bytes));
    for await (const batch of source) packets.push(...readBatch(batch));
    return { packets, source };
  } catch (error) {
    return { packets, error, ...(source !== undefined && { source }) };
  } finally {
    await source?.[Symbol.asyncDispose]();
  }
}

/** As {@link readAll}, of a capture that must not have a fault. */
export async function readWhole(bytes: BytesLike): Promise<Required<Omit<Outcome, "error">>> {
  const { packets, error, source } = await readAll(bytes);
  if (error !== undefined) throw error;
  // Without an error there is a source.
  return { packets, source: source as CaptureSource };
}

export async function packetsIn(bytes: BytesLike): Promise<readonly ReadPacket[]> {
  return (await readWhole(bytes)).packets;
}

/** The fault as `code@offset`, or what else came of it. */
export function fault({ error }: Outcome): string {
  if (error === undefined) return "no fault";
  return error instanceof CaptureError ? `${error.code}@${error.offset}` : String(error);
}

export function readBatch(batch: PacketBatch): ReadPacket[] {
  return Array.from(packetsOf(batch), ({ bytes, seconds, nanoseconds, originalLength, comments }) => ({
    interfaceId: batch.format.interfaceId,
    linkType: batch.format.linkType,
    seconds,
    nanoseconds,
    originalLength,
    data: Buffer.from(bytes).toString("hex"),
    comments,
  }));
}

/** Only the captured bytes. */
export function dataOf(packets: readonly ReadPacket[]): string[] {
  return packets.map(({ data }) => data);
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

export async function encoded(
  encode: (source: PacketSource) => AsyncIterable<Uint8Array>,
  bytes: BytesLike,
): Promise<Uint8Array> {
  const source = await decodeCapture(bytes);
  return collect(encode(source));
}

/** The same bytes in chunks of one size. */
export function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The same bytes, cut at the given places, which may be the same (an empty chunk) and in any order. */
export function* cutAt(bytes: Uint8Array, places: readonly number[]): Generator<Uint8Array> {
  let from = 0;
  for (const place of [...places, bytes.length].sort((one, other) => one - other)) {
    yield bytes.subarray(from, place);
    from = place;
  }
}

export function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
