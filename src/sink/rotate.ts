import { unlinkSync } from "node:fs";
import { join, parse } from "node:path";
import { type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { withoutPath } from "../errors/message.js";
import { aNumberFrom, aPositiveNumber, isObject, type ValueCheck } from "../errors/value-checks.js";
import { type PacketBatch, sliceBatch } from "../packet/batch.js";
import { type PacketTime, readRecordTime } from "../packet/record-header.js";
import { BLOCK_OVERHEAD } from "../pcap/pcapng/format.js";
import type { PacketSink, StorageAccount } from "../recorder/sink.js";
import type { CaptureFile } from "./capture-file.js";

/**
 * When a recording continues in a new file, and how many files to keep. At least one of `maxBytes` and `maxDurationMs`
 * is required.
 */
export interface FileRotation {
  /** Maximum size of a file in bytes, headers included, unless a single packet exceeds it. */
  readonly maxBytes?: number;
  /**
   * Duration of a file in milliseconds, counted from its first packet by packet timestamps. The first packet at or
   * after the end starts the next file. A quiet network therefore creates no empty files, and a capture that is read
   * from a file is split as if it were live. Packets without a timestamp do not start a new file.
   */
  readonly maxDurationMs?: number;
  /**
   * Ring buffer: the maximum number of files. The oldest file is removed when there are more. All are kept by default.
   */
  readonly ringFiles?: number;
}

const ROTATION: OptionTable<FileRotation> = {
  maxBytes: aPositiveNumber,
  maxDurationMs: aPositiveNumber,
  ringFiles: aNumberFrom(1),
};

const checkFields = optionsOf("rotation", ROTATION);

/** A rotation with at least one of `maxBytes` and `maxDurationMs`. */
export const aRotation: ValueCheck<FileRotation> = (value, path, report) => {
  checkFields(value, path, report);
  if (!isObject(value)) return;
  const { maxBytes, maxDurationMs } = value as FileRotation;
  if (maxBytes === undefined && maxDurationMs === undefined) report(path, "needs maxBytes or maxDurationMs");
};

/**
 * The name of a file of a rotating recording, as in dumpcap's ring buffer: `eth0.pcap` becomes
 * `eth0_00001_20261122091800.pcap`, with the number of the file and its creation time (UTC; dumpcap's is local).
 */
export function rotatedName(path: string, number: number, nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}_${String(number).padStart(5, "0")}_${time}${ext}`);
}

/** The dependencies of a rotating sink. */
export interface RotationDependencies {
  readonly rotation: FileRotation;
  /** The bytes of files removed by the ring are released here. */
  readonly storage: StorageAccount | undefined;
  /** Creates the next file, with its header if that is already known. */
  readonly open: (number: number) => CaptureFile;
  /** Called with the path of every completed file, except the last. */
  readonly onFile: ((path: string) => void) | undefined;
}

/** Opens the first file; `write` opens the others when needed. */
export function createRotatingSink(dependencies: RotationDependencies): PacketSink {
  return new RotatingSink(dependencies);
}

class RotatingSink implements PacketSink {
  readonly #dependencies: RotationDependencies;
  /**
   * With a ring, the completed files that are kept, the oldest first. (Not CaptureFile objects, as each holds an
   * encoder with its buffer.)
   */
  readonly #complete: { readonly path: string; readonly length: number }[] = [];
  #number = 1;
  #file: CaptureFile;
  #packets = 0;
  /** Timestamp of the first timed packet of the file, in milliseconds. */
  #startMs: number | undefined;

  constructor(dependencies: RotationDependencies) {
    this.#dependencies = dependencies;
    this.#file = dependencies.open(this.#number);
  }

  get filePath(): string {
    return this.#file.path;
  }

  write(batch: PacketBatch): void {
    if (batch.length === 0) this.#file.write(batch);
    for (let from = 0; from < batch.length; ) {
      const to = this.#fittingEnd(batch, from);
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

  /**
   * Returns the index after the last packet that fits into the current file; an empty file accepts at least one packet.
   */
  #fittingEnd(batch: PacketBatch, from: number): number {
    const { rotation } = this.#dependencies;
    const { maxBytes = Number.POSITIVE_INFINITY, maxDurationMs } = rotation;
    const isTimed = maxDurationMs !== undefined && batch.untimed !== true;
    let freeBytes = maxBytes - this.#file.length - this.#file.pendingBytes;
    const blocks = batch.pcapng?.blocks ?? [];
    let block = blocks.findIndex(({ before }) => before >= from);
    let index = from;
    for (; index < batch.length; index++) {
      freeBytes -= this.#file.packetBytes(batch, index);
      for (; blocks[block]?.before === index; block++)
        freeBytes -= BLOCK_OVERHEAD + blocks[block]!.body.length;
      if (freeBytes < 0 && this.#packets + index - from > 0) break;
      if (!isTimed) continue;
      const timeMs = timeOf(batch, index);
      this.#startMs ??= timeMs;
      if (timeMs >= this.#startMs + maxDurationMs) break;
    }
    return index;
  }

  #openNext(): void {
    const { rotation, open, onFile, storage } = this.#dependencies;
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

/** Reused for every packet. */
const time: PacketTime = { seconds: 0, nanoseconds: 0 };

/** The time of a packet in milliseconds since 1970. */
function timeOf({ records, offsets, format, eraSeconds = 0 }: PacketBatch, index: number): number {
  readRecordTime(records, offsets[index]!, format.resolution, eraSeconds, time);
  return time.seconds * 1000 + time.nanoseconds / 1e6;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // Another program has already removed it.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw new FlowscribeError("sink_failed", `remove ${path}: ${withoutPath(error)}`, { cause: error });
  }
}
