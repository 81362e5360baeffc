import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { uint32At } from "../../bytes/little-endian.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import { type PacketBatch, RECORD_FRACTION, RECORD_SECONDS } from "../batch.js";

const NANOSECONDS_PER_SECOND = 1_000_000_000;

/** Reads the times of records; caches the last seconds as a bigint, since consecutive packets often share them. */
export class RecordClock {
  #seconds = 0;
  #bigSeconds = 0n;

  /**
   * Returns the time of the record at `offset`. A fraction of one second or more, which some files contain, is carried
   * into the seconds. Undefined if the packet has no time or the time does not fit a `Timestamp`.
   */
  timeOf({ records, format, untimed, eraSeconds = 0 }: PacketBatch, offset: number): Timestamp | undefined {
    if (untimed === true) return undefined;
    let seconds = uint32At(records, offset + RECORD_SECONDS) + eraSeconds;
    let nanos = uint32At(records, offset + RECORD_FRACTION) * (format.resolution === "us" ? 1000 : 1);
    if (nanos >= NANOSECONDS_PER_SECOND) {
      seconds += Math.floor(nanos / NANOSECONDS_PER_SECOND);
      nanos %= NANOSECONDS_PER_SECOND;
    }
    if (seconds !== this.#seconds) {
      if (!(seconds >= MIN_TIMESTAMP_SECONDS && seconds <= MAX_TIMESTAMP_SECONDS)) return undefined;
      this.#seconds = seconds;
      this.#bigSeconds = BigInt(seconds);
    }
    return { $typeName: "google.protobuf.Timestamp", seconds: this.#bigSeconds, nanos };
  }
}
