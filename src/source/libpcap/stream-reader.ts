import {
  type PacketBatch,
  type PacketFormat,
  RECORD_CAPTURED_LENGTH,
  RECORD_HEADER_LENGTH,
} from "../../packet/batch.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import type { RecordStream } from "../native/record-stream.js";
import { type BatchReader, Offsets } from "./reader.js";

/** Batch size: fits into the processor's cache, and is large enough that the call per batch costs little. */
export const BATCH_BYTES = 256 * 1024;
/**
 * Maximum bytes per call if all packets had the maximum length (the kernel's buffer would have to hold them). Packets
 * that do not fit into a batch take a slower path.
 */
const MAX_CALL_BYTES = 128 * 1024 * 1024;
/** A batch is full when less than this fraction (1/8) of it is free. */
const FULL_PART = 8;
/**
 * The longest packet of the last one to two windows of this many batches is used to predict the next: long packets tend
 * to recur.
 */
const WINDOW_BATCHES = 32;
/** Expected packet length before the first packet: a full-size Ethernet frame. */
const LIKELY_LENGTH = 1514;

/** Reads with `pcap_dispatch` and libpcap's own `pcap_dump`: one call for many packets, all framed in C. */
export class StreamReader implements BatchReader {
  readonly #handle: PcapHandle;
  readonly #stream: RecordStream;
  readonly #offsets = new Offsets();
  readonly #view: DataView;
  readonly #maxCount: number;
  /** Longest packet of this window of batches and of the one before, to estimate how many packets will fit. */
  #longest = LIKELY_LENGTH;
  #longestBefore = LIKELY_LENGTH;
  #batches = 0;
  #length = 0;
  drained = true;
  failed = false;

  constructor(handle: PcapHandle, stream: RecordStream, snapLength: number) {
    this.#handle = handle;
    this.#stream = stream;
    const { records } = stream;
    this.#view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    this.#maxCount = Math.max(1, Math.floor(MAX_CALL_BYTES / (RECORD_HEADER_LENGTH + snapLength)));
  }

  get linkType(): number {
    return this.#stream.linkType;
  }

  read(format: PacketFormat): PacketBatch | undefined {
    const stream = this.#stream;
    stream.check();
    this.#length = 0;
    this.#batches++;
    if (this.#batches % WINDOW_BATCHES === 0) {
      this.#longestBefore = this.#longest;
      this.#longest = 0;
    }
    this.drained = false;
    this.failed = false;
    const { capacity } = stream;
    let records = stream.records;
    let end = 0;
    while (!this.drained && capacity - end > capacity / FULL_PART) {
      const count = this.#countFor(capacity - end);
      const received = this.#handle.dispatch(stream, count);
      this.failed = received < 0;
      this.drained = received < count;
      const position = stream.position();
      if (position > capacity) {
        records = stream.overflow();
        end = this.#walk(new DataView(records.buffer), end, position);
        break;
      }
      end = this.#walk(this.#view, end, position);
    }
    stream.clear();
    if (this.#length === 0) return undefined;
    return { format, length: this.#length, records: records.subarray(0, end), offsets: this.#offsets.array };
  }

  #countFor(freeBytes: number): number {
    const likely = Math.floor(
      freeBytes / (RECORD_HEADER_LENGTH + Math.max(this.#longest, this.#longestBefore)),
    );
    return Math.max(1, Math.min(this.#maxCount, likely));
  }

  /** Records the offsets of the records between `start` and `end`. */
  #walk(view: DataView, start: number, end: number): number {
    let offsets = this.#offsets.array;
    let length = this.#length;
    let longest = this.#longest;
    let offset = start;
    while (offset < end) {
      if (length === offsets.length) offsets = this.#offsets.grow();
      offsets[length++] = offset;
      const captured = view.getUint32(offset + RECORD_CAPTURED_LENGTH, true);
      if (captured > longest) longest = captured;
      offset += RECORD_HEADER_LENGTH + captured;
    }
    // C writes whole records only, so anything else is a bug in this code.
    if (offset !== end) throw new TypeError(`the records end at ${offset}, not at ${end}`);
    this.#length = length;
    this.#longest = longest;
    return end;
  }

  close(): void {
    this.#stream.close();
  }
}
