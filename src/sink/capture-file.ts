import { closeSync, ftruncateSync, writeSync } from "node:fs";
import type { Clock } from "../async/clock.js";
import { FlowscribeError } from "../errors/errors.js";
import { withoutPath } from "../errors/message.js";
import type { PacketBatch } from "../packet/batch.js";
import type { CaptureInterface, SourceStats } from "../packet/source.js";
import { type CaptureEncoder, interfaceOf, settledInterface } from "../pcap/encoder.js";
import type { SinkRequest, StorageAccount } from "../recorder/sink.js";
import { isAtPath, statDescriptor } from "./file-identity.js";

/** How often at most a file is checked between writes: each check is an fstat(2). */
const CHECK_INTERVAL_MS = 1000;

/**
 * One capture file that is being written, through a descriptor of its own. When a write fails, the file is cut back to its
 * last whole record, and the error says so.
 *
 * A file that another program removes or truncates fails the next write after {@link CHECK_INTERVAL_MS}, and the end. One
 * that is renamed or replaced is written to its end, which then fails: the caller would be given a path that leads elsewhere.
 */
export class CaptureFile {
  readonly path: string;
  readonly #clock: Pick<Clock, "now">;
  readonly #encoder: CaptureEncoder;
  readonly #interfaces: readonly CaptureInterface[];
  readonly #storage: StorageAccount | undefined;
  #descriptor: number | undefined;
  #length = 0;
  #begun = false;
  /** Pipes and devices are not checked. */
  readonly #isRegular: boolean;
  #nextCheckMs: number;

  /** @param request Its interfaces are those of the source and may grow; its storage account bounds the stored bytes. */
  constructor(
    path: string,
    descriptor: number,
    encoder: CaptureEncoder,
    { interfaces, clock, storage }: Pick<SinkRequest, "interfaces" | "clock" | "storage">,
  ) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#encoder = encoder;
    this.#interfaces = interfaces;
    this.#clock = clock;
    this.#isRegular = statDescriptor(descriptor).isFile();
    this.#nextCheckMs = clock.now() + CHECK_INTERVAL_MS;
    this.#storage = storage;
  }

  /** Bytes of the file; all of them whole records. */
  get length(): number {
    return this.#length;
  }

  /** Bytes besides packets that the file still gets, at most. */
  get pendingBytes(): number {
    return this.#encoder.pendingBytes();
  }

  /** Writes the header as soon as it is known. */
  begin(): void {
    const settled = settledInterface(this.#interfaces);
    if (settled !== undefined) this.#beginFrom(settled);
  }

  write(batch: PacketBatch): void {
    const nowMs = this.#clock.now();
    if (nowMs >= this.#nextCheckMs) {
      this.#nextCheckMs = nowMs + CHECK_INTERVAL_MS;
      this.#checkContent();
    }
    this.#beginWith(batch);
    this.#append(this.#encoder.encode(batch), this.#encoder.wholeRecords);
  }

  /**
   * @param stats Those of the source; absent for a file that is not the last of its recording.
   * @throws FlowscribeError `sink_failed`, also if the file is not at its path any more.
   */
  end(stats: SourceStats | undefined): void {
    this.#checkContent();
    this.#beginWith(undefined);
    if (stats !== undefined) this.#append(this.#encoder.end(stats), this.#encoder.wholeRecords);
    this.#checkPath();
    this.#close();
  }

  /** Closes the file as it is, with a header if that is still missing. Never throws. */
  abort(): void {
    try {
      try {
        this.#beginWith(undefined);
      } finally {
        this.#close();
      }
    } catch {
      // The recording already fails, for a reason that matters more.
    }
  }

  /** @throws FlowscribeError if what was written cannot be reached any more, or is not all there. */
  #checkContent(): void {
    if (!this.#isRegular || this.#descriptor === undefined) return;
    const stats = statDescriptor(this.#descriptor);
    // Not every network file system counts links.
    if (stats.nlink === 0n && !isAtPath(stats, this.path)) {
      throw this.#changed("was removed while it was written; its packets are lost");
    }
    if (stats.size < this.#length) {
      throw this.#changed("was truncated by another program while it was written; packets are lost");
    }
  }

  /** @throws FlowscribeError if the path leads to another file, or to none. */
  #checkPath(): void {
    if (!this.#isRegular || this.#descriptor === undefined) return;
    if (isAtPath(statDescriptor(this.#descriptor), this.path)) return;
    throw this.#changed("was renamed or replaced while it was written; its packets are in the renamed file");
  }

  #changed(how: string): FlowscribeError {
    return new FlowscribeError("sink_failed", `${this.path} ${how}`);
  }

  #beginWith(batch: PacketBatch | undefined): void {
    if (!this.#begun) this.#beginFrom(interfaceOf(this.#interfaces, batch?.format));
  }

  #beginFrom(first: CaptureInterface): void {
    this.#begun = true;
    this.#append(this.#encoder.begin(first), () => 0);
  }

  /** @param wholeRecords How much of what was written is worth keeping when the rest fails. */
  #append(chunk: Uint8Array, wholeRecords: CaptureEncoder["wholeRecords"]): void {
    if (this.#descriptor === undefined) throw new TypeError("the file is closed");
    if (chunk.length > 0) this.#storage?.reserve(chunk.length);
    let written = 0;
    try {
      while (written < chunk.length) {
        written += writeSync(this.#descriptor, chunk, written, chunk.length - written);
      }
    } catch (error) {
      const kept = wholeRecords(chunk, written);
      this.#storage?.release(chunk.length - kept);
      throw this.#cutBack(this.#descriptor, this.#length + kept, error);
    }
    this.#length += chunk.length;
  }

  #cutBack(descriptor: number, length: number, cause: unknown): FlowscribeError {
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
