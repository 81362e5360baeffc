import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import { cutRecords, selectRecords } from "../../packet/filter/select.js";
import type { CaptureReader } from "../device/capture.js";
import type { BatchReader } from "./reader.js";

/** What to keep of the packets that pass the kernel's filter. */
export interface PacketSelection {
  /** Packets that pass the kernel's filter are checked again with this predicate. */
  readonly wanted: PacketPredicate | undefined;
  /** Captured bytes to keep; undefined unless the predicate needs more than the snap length. */
  readonly cutTo: number | undefined;
}

/** Reads the packets of a reader that are wanted, and truncates them. */
export class SelectingReader implements CaptureReader<PacketBatch> {
  readonly #reader: BatchReader;
  readonly #format: PacketFormat;
  readonly #selection: PacketSelection;
  readBytes = 0;
  readonly isSignalled = true;

  constructor(reader: BatchReader, format: PacketFormat, selection: PacketSelection) {
    this.#reader = reader;
    this.#format = format;
    this.#selection = selection;
  }

  get drained(): boolean {
    return this.#reader.drained;
  }

  get failed(): boolean {
    return this.#reader.failed;
  }

  read(): PacketBatch | undefined {
    const { wanted, cutTo } = this.#selection;
    const batch = this.#reader.read(this.#format);
    this.readBytes = batch?.records.length ?? 0;
    if (batch === undefined) return undefined;
    const selected = wanted === undefined ? batch : selectRecords(batch, wanted, true);
    if (selected.length === 0) return undefined;
    return cutTo === undefined ? selected : cutRecords(selected, cutTo, true);
  }

  /** The reader overwrites its batch when it reads the next one. */
  release(): void {}

  close(): void {
    this.#reader.close();
  }
}
