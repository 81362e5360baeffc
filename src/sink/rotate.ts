import { unlinkSync } from "node:fs";
import { join, parse } from "node:path";
import { type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { withoutPath } from "../errors/message.js";
import { aNumberFrom, aPositiveNumber, isObject, type ValueCheck } from "../errors/value-checks.js";
import {
  type PacketBatch,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_SECONDS,
  recordEnd,
} from "../packet/batch.js";
import type { PacketSink, StorageAccount } from "../recorder/sink.js";
import type { CaptureFile } from "./capture-file.js";

/** When a recording goes on in another file (one of the bounds is needed), and how many of its files stay. */
export interface FileRotation {
  /**
   * No file gets longer than so many bytes, headers included, unless a single packet does not fit with them.
   */
  readonly maxBytes?: number;
  /**
   * A file holds packets of so many milliseconds, counted from its first packet by the times of the packets; the packet after that
   * begins the next file. So a quiet network makes no empty files, and a capture that is read is cut as it would have
   * been when it was made. Packets without a time stay where they are.
   */
  readonly maxDurationMs?: number;
  /** The ring: when there are more files than this, the oldest is removed. All stay by default. */
  readonly ringFiles?: number;
}

const ROTATION: OptionTable<FileRotation> = {
  maxBytes: aPositiveNumber,
  maxDurationMs: aPositiveNumber,
  ringFiles: aNumberFrom(1),
};

const checkFields = optionsOf("rotation", ROTATION);

/** A rotation that begins another file at some time. */
export const aRotation: ValueCheck<FileRotation> = (value, path, report) => {
  checkFields(value, path, report);
  if (!isObject(value)) return;
  const { maxBytes, maxDurationMs } = value as FileRotation;
  if (maxBytes === undefined && maxDurationMs === undefined) report(path, "needs maxBytes or maxDurationMs");
};

/**
 * The name of a file of a rotating recording, as dumpcap's ring buffer has it: `eth0.pcap` becomes
 * `eth0_00001_20261122091800.pcap`, with the number of the file and the time (UTC; dumpcap's is local) of its making.
 */
export function rotatedName(path: string, number: number, nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}_${String(number).padStart(5, "0")}_${time}${ext}`);
}

/** What a rotating recording is written with. */
export interface RotatingParts {
  readonly rotation: FileRotation;
  /** Gets back the bytes of the files that the ring removes. */
  readonly storage: StorageAccount | undefined;
  /** Makes the next file, with its header as far as it is known. */
  readonly open: (number: number) => CaptureFile;
  /** Bytes that a packet takes in a file, at most. */
  readonly lengthOf: (batch: PacketBatch, index: number) => number;
  /** Told the path of every file that is complete, the last one not. */
  readonly onFile: ((path: string) => void) | undefined;
}

/** Opens the first file, and others when it is time. */
export function createRotatingSink(parts: RotatingParts): PacketSink {
  return new RotatingSink(parts);
}

class RotatingSink implements PacketSink {
  readonly #parts: RotatingParts;
  /** With a ring, the complete files that stay, the oldest first. (Not as objects: each has an encoder with its buffer.) */
  readonly #complete: { readonly path: string; readonly length: number }[] = [];
  #number = 1;
  #file: CaptureFile;
  #packets = 0;
  /** Time of the first packet of the file that has one, in milliseconds. */
  #startMs: number | undefined;

  constructor(parts: RotatingParts) {
    this.#parts = parts;
    this.#file = parts.open(this.#number);
  }

  get filePath(): string {
    return this.#file.path;
  }

  write(batch: PacketBatch): void {
    for (let from = 0; from < batch.length; ) {
      const to = this.#fitting(batch, from);
      if (to === from) {
        this.#openNext();
        continue;
      }
      this.#file.write(sliceBatch(batch, from, to));
      this.#packets += to - from;
      from = to;
    }
  }

  async close(stats: Parameters<PacketSink["close"]>[0]): Promise<{ filePath: string }> {
    this.#file.end(stats);
    return { filePath: this.#file.path };
  }

  async abort(): Promise<void> {
    this.#file.abort();
  }

  /** Where the packets end that belong into the file at hand; an empty file takes at least one. */
  #fitting(batch: PacketBatch, from: number): number {
    const { rotation, lengthOf } = this.#parts;
    const { maxBytes = Number.POSITIVE_INFINITY, maxDurationMs } = rotation;
    const view = new DataView(batch.records.buffer, batch.records.byteOffset, batch.records.byteLength);
    const isTimed = maxDurationMs !== undefined && batch.untimed !== true;
    let room = maxBytes - this.#file.length - this.#file.pendingBytes;
    let index = from;
    for (; index < batch.length; index++) {
      room -= lengthOf(batch, index);
      if (room < 0 && this.#packets + index - from > 0) break;
      if (!isTimed) continue;
      const timeMs = timeOf(view, batch, index);
      this.#startMs ??= timeMs;
      if (timeMs >= this.#startMs + maxDurationMs) break;
    }
    return index;
  }

  #openNext(): void {
    const { rotation, open, onFile, storage } = this.#parts;
    const { ringFiles } = rotation;
    this.#file.end(undefined);
    const { path, length } = this.#file;
    onFile?.(path);
    this.#file = open(++this.#number);
    this.#packets = 0;
    this.#startMs = undefined;
    if (ringFiles === undefined) return;
    this.#complete.push({ path, length });
    // The current file counts, too.
    while (this.#complete.length >= ringFiles) {
      const oldest = this.#complete.shift()!;
      remove(oldest.path);
      storage?.release(oldest.length);
    }
  }
}

function timeOf(view: DataView, { offsets, format, eraSeconds = 0 }: PacketBatch, index: number): number {
  const at = offsets[index]!;
  const fraction = view.getUint32(at + RECORD_FRACTION, true);
  const seconds = view.getUint32(at + RECORD_SECONDS, true) + eraSeconds;
  return seconds * 1000 + fraction / (format.resolution === "us" ? 1000 : 1_000_000);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // Somebody else was faster.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw new FlowscribeError("sink_failed", `remove ${path}: ${withoutPath(error)}`, { cause: error });
  }
}

/** The packets from one place to another, sharing memory. */
function sliceBatch(batch: PacketBatch, from: number, to: number): PacketBatch {
  if (from === 0 && to === batch.length) return batch;
  const start = batch.offsets[from]!;
  const offsets = batch.offsets.slice(from, to);
  for (let index = 0; index < offsets.length; index++) offsets[index]! -= start;
  const { comments: all, ...rest } = batch;
  const comments = new Map<number, readonly string[]>();
  for (const [index, own] of all ?? []) if (index >= from && index < to) comments.set(index - from, own);
  return {
    ...rest,
    length: to - from,
    offsets,
    records: batch.records.subarray(start, recordEnd(batch, to - 1)),
    ...(comments.size > 0 && { comments }),
  };
}

/** Bytes of a packet in a pcap file. */
export function pcapLength(batch: PacketBatch, index: number): number {
  return recordEnd(batch, index) - batch.offsets[index]!;
}

// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html#section-4.3
const ENHANCED_OVERHEAD = 32;
const OPTION_OVERHEAD = 4;
const MAX_OPTION_BYTES = 0xffff;

/** Bytes of a packet in a pcapng file, at most. */
export function pcapngLength(batch: PacketBatch, index: number): number {
  const captured = recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH;
  let length = ENHANCED_OVERHEAD + padded(captured);
  const comments = batch.comments?.get(index);
  if (comments === undefined) return length;
  for (const comment of comments) {
    length += OPTION_OVERHEAD + padded(Math.min(Buffer.byteLength(comment), MAX_OPTION_BYTES));
  }
  return length + OPTION_OVERHEAD;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
