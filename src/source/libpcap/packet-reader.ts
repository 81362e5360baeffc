import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import { RECORD_HEADER_LENGTH, writeRecordHeader } from "../../packet/record-header.js";
import type { NextPacket, PcapHandle } from "../native/pcap-handle.js";
import { checkAttached, markReused } from "../native/reused-memory.js";
import { toFileLinkType } from "./memory-link-type.js";
import { type BatchReader, Offsets } from "./reader.js";

/** Maximum packets per batch, as each takes several calls into C. */
const MAX_PACKETS = 1024;
const BATCH_BYTES = 256 * 1024;

/** Reads packet by packet, for systems where `pcap_dump` cannot be passed to `pcap_dispatch`. */
export class PacketReader implements BatchReader {
  readonly #handle: PcapHandle;
  readonly #records: Uint8Array;
  readonly #view: DataView;
  readonly #offsets = new Offsets();
  readonly #snapLength: number;
  readonly #packet: NextPacket = { seconds: 0, fraction: 0, capturedLength: 0, originalLength: 0 };
  readonly linkType: number;
  drained = true;
  failed = false;

  constructor(handle: PcapHandle, snapLength: number) {
    this.#handle = handle;
    this.#snapLength = snapLength;
    this.#records = markReused(
      new Uint8Array(Math.max(BATCH_BYTES, 2 * (RECORD_HEADER_LENGTH + snapLength))),
    );
    this.#view = new DataView(this.#records.buffer);
    this.linkType = toFileLinkType(handle.linkType);
  }

  read(format: PacketFormat): PacketBatch | undefined {
    checkAttached(this.#records);
    const packet = this.#packet;
    const full = this.#records.length - RECORD_HEADER_LENGTH - this.#snapLength;
    let offsets = this.#offsets.array;
    let length = 0;
    let offset = 0;
    this.drained = false;
    this.failed = false;
    while (length < MAX_PACKETS && offset <= full) {
      const result = this.#handle.next(packet);
      if (result !== 1) {
        this.drained = true;
        this.failed = result < 0;
        break;
      }
      const captured = Math.min(packet.capturedLength, this.#snapLength);
      if (length === offsets.length) offsets = this.#offsets.grow();
      offsets[length++] = offset;
      writeRecordHeader(this.#view, offset, packet.seconds, packet.fraction, captured, packet.originalLength);
      offset += RECORD_HEADER_LENGTH;
      this.#handle.copyPacket(this.#records.subarray(offset, offset + captured), captured);
      offset += captured;
    }
    if (length === 0) return undefined;
    return { format, length, records: this.#records.subarray(0, offset), offsets };
  }

  close(): void {}
}
