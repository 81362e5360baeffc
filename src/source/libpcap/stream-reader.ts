import {
  type PacketBatch,
  type PacketFormat,
  RECORD_CAPTURED_LENGTH,
  RECORD_HEADER_LENGTH,
} from "../../packet/batch.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import type { RecordStream } from "../native/record-stream.js";
import { type BatchReader, Offsets } from "./reader.js";

/** Size of a batch: it stays in the processor's cache, and a call for each costs little. */
export const BATCH_BYTES = 256 * 1024;
/**
 * Most that one call may bring, should all its packets be as long as can be, of which the kernel's buffer would have to hold so
 * many; what does not fit into a batch takes the slow way.
 */
const MAX_CALL_BYTES = 128 * 1024 * 1024;
/** A batch is full when there is less room than this part of it. */
const FULL_PART = 8;
/** Batches for which the longest packet is remembered, as many again at most: who sends long packets will do so again. */
const WINDOW_BATCHES = 32;
/** What packets are taken to be like before any have come: full Ethernet frames. */
const LIKELY_LENGTH = 1514;

/** Reads by `pcap_dispatch` with libpcap's own `pcap_dump`: one call for many packets, all framed in C. */
export class StreamReader implements BatchReader {
  readonly #handle: PcapHandle;
  readonly #stream: RecordStream;
  readonly #offsets = new Offsets();
  readonly #view: DataView;
  readonly #maxCount: number;
  /** Longest packets of this window of batches and of the one before: how many will fit into the room that is left. */
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
      const taken = this.#handle.dispatch(stream, count);
      this.failed = taken < 0;
      this.drained = taken < count;
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

  #countFor(room: number): number {
    const likely = Math.floor(room / (RECORD_HEADER_LENGTH + Math.max(this.#longest, this.#longestBefore)));
    return Math.max(1, Math.min(this.#maxCount, likely));
  }

  /** Notes where the records between `start` and `end` begin. */
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
    // What C wrote is a chain of whole records, or this code is wrong.
    if (offset !== end) throw new TypeError(`the records end at ${offset}, not at ${end}`);
    this.#length = length;
    this.#longest = longest;
    return end;
  }

  close(): void {
    this.#stream.close();
  }
}
