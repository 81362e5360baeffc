import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import type { PacketBatch } from "../batch.js";
import { type PacketTime, readRecordTime } from "../record-header.js";

/** Reads the times of records; caches the last seconds as a bigint, since consecutive packets often share them. */
export class RecordClock {
  readonly #time: PacketTime = { seconds: 0, nanoseconds: 0 };
  #seconds = 0;
  #bigSeconds = 0n;

  /**
   * Returns the time of the record at `offset`. Undefined if the packet has no time or the time does not fit a
   * `Timestamp`.
   */
  timeOf({ records, format, untimed, eraSeconds = 0 }: PacketBatch, offset: number): Timestamp | undefined {
    if (untimed === true) return undefined;
    const time = this.#time;
    readRecordTime(records, offset, format.resolution, eraSeconds, time);
    const { seconds } = time;
    if (seconds !== this.#seconds) {
      if (!(seconds >= MIN_TIMESTAMP_SECONDS && seconds <= MAX_TIMESTAMP_SECONDS)) return undefined;
      this.#seconds = seconds;
      this.#bigSeconds = BigInt(seconds);
    }
    return { $typeName: "google.protobuf.Timestamp", seconds: this.#bigSeconds, nanos: time.nanoseconds };
  }
}
