import { closeSync, ftruncateSync, writeSync } from "node:fs";
import type { Clock } from "../async/clock.js";
import { FlowscribeError } from "../errors/errors.js";
import { withoutPath } from "../errors/message.js";
import type { PacketBatch } from "../packet/batch.js";
import type { SourceStats } from "../packet/source.js";
import type { CaptureWriter } from "../pcap/capture-writer.js";
import type { SinkRequest, StorageAccount } from "../recorder/sink.js";
import { isAtPath, statDescriptor } from "../source/file-identity.js";

/** Minimum interval between checks of the file during writes; each check costs an fstat(2). */
const CHECK_INTERVAL_MS = 1000;

/**
 * A capture file that is being written, with its own descriptor. If a write fails, the file is truncated to its last
 * whole record, and the error says so.
 *
 * If another program removes or truncates the file, the next write after {@link CHECK_INTERVAL_MS} fails, and so does
 * `end`. If the file is renamed or replaced, writing continues and only `end` fails, because the returned path would
 * lead to another file.
 */
export class CaptureFile {
  readonly path: string;
  readonly #clock: Pick<Clock, "now">;
  readonly #writer: CaptureWriter;
  readonly #storage: StorageAccount | undefined;
  #descriptor: number | undefined;
  #length = 0;
  /** Pipes and devices are not checked. */
  readonly #isRegular: boolean;
  #nextCheckMs: number;

  /** @param request `storage` limits the stored bytes. */
  constructor(
    path: string,
    descriptor: number,
    writer: CaptureWriter,
    { clock, storage }: Pick<SinkRequest, "clock" | "storage">,
  ) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#writer = writer;
    this.#clock = clock;
    this.#isRegular = statDescriptor(descriptor).isFile();
    this.#nextCheckMs = clock.now() + CHECK_INTERVAL_MS;
    this.#storage = storage;
  }

  /** Bytes written so far, whole records only. */
  get length(): number {
    return this.#length;
  }

  /** Maximum number of bytes, apart from packets, that are still to be written. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  /** Maximum number of bytes that a packet takes in the file. */
  packetBytes(batch: PacketBatch, index: number): number {
    return this.#writer.packetBytes(batch, index);
  }

  /** Writes the header if it is already known. */
  begin(): void {
    this.#append(this.#writer.begin());
  }

  write(batch: PacketBatch): void {
    const nowMs = this.#clock.now();
    if (nowMs >= this.#nextCheckMs) {
      this.#nextCheckMs = nowMs + CHECK_INTERVAL_MS;
      this.#checkContent();
    }
    this.#append(this.#writer.encode(batch));
  }

  /**
   * Writes the remaining data and closes the file.
   *
   * @param stats Totals of the source; undefined if further files of the recording follow.
   * @throws FlowscribeError `sink_failed`, also if the path no longer leads to this file.
   */
  end(stats: SourceStats | undefined): void {
    this.#checkContent();
    this.#append(this.#writer.end(stats));
    this.#checkPath();
    this.#close();
  }

  /** Closes the file; first writes the header if it is missing. Never throws. */
  abort(): void {
    try {
      try {
        this.#append(this.#writer.end(undefined));
      } finally {
        this.#close();
      }
    } catch {
      // Ignored: the recording already fails with a more important error.
    }
  }

  /** @throws FlowscribeError if the file was removed or truncated. */
  #checkContent(): void {
    if (!this.#isRegular || this.#descriptor === undefined) return;
    const stats = statDescriptor(this.#descriptor);
    // Also check the path, as some network file systems do not count links.
    if (stats.nlink === 0n && !isAtPath(stats, this.path)) {
      throw this.#changed("was removed while it was written; its packets are lost");
    }
    if (stats.size < this.#length) {
      throw this.#changed("was truncated by another program while it was written; packets are lost");
    }
  }

  /** @throws FlowscribeError if the path leads to another file or no file. */
  #checkPath(): void {
    if (!this.#isRegular || this.#descriptor === undefined) return;
    if (isAtPath(statDescriptor(this.#descriptor), this.path)) return;
    throw this.#changed("was renamed or replaced while it was written; its packets are in the renamed file");
  }

  #changed(how: string): FlowscribeError {
    return new FlowscribeError("sink_failed", `${this.path} ${how}`);
  }

  /** @param chunk The last result of the writer. */
  #append(chunk: Uint8Array): void {
    if (this.#descriptor === undefined) throw new TypeError("the file is closed");
    if (chunk.length > 0) this.#storage?.reserve(chunk.length);
    let written = 0;
    try {
      while (written < chunk.length) {
        written += writeSync(this.#descriptor, chunk, written, chunk.length - written);
      }
    } catch (error) {
      const kept = this.#writer.wholeRecords(chunk, written);
      this.#storage?.release(chunk.length - kept);
      throw this.#truncate(this.#descriptor, this.#length + kept, error);
    }
    this.#length += chunk.length;
  }

  #truncate(descriptor: number, length: number, cause: unknown): FlowscribeError {
    let state =
      length === 0
        ? "the file is cut back to nothing"
        : `the file is cut back to its last whole record, ${length} bytes`;
    try {
      ftruncateSync(descriptor, length);
    } catch (error) {
      state = `cutting the file back to its last whole record, ${length} bytes, failed as well: ${withoutPath(error)}`;
    }
    return new FlowscribeError("sink_failed", `write ${this.path}: ${withoutPath(cause)}; ${state}`, {
      cause,
    });
  }

  #close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    try {
      closeSync(descriptor);
    } catch (error) {
      throw new FlowscribeError("sink_failed", `close ${this.path}: ${withoutPath(error)}`, { cause: error });
    }
  }
}
