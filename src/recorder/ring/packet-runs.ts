import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import { type PacketTime, readRecordTime } from "../../packet/record-header.js";

/** What consecutive packets of the ring share. */
export interface PacketRun {
  /** The position of its first packet in the ring. */
  readonly position: number;
  readonly format: PacketFormat;
  readonly eraSeconds: number;
  /** The time of its packets if they have none of their own, in microseconds since 1970. */
  readonly arrivalUs: number | undefined;
  /** The comments of packets, by position; undefined if no packet has comments. */
  readonly comments: Map<number, readonly string[]> | undefined;
}

/** The approximate memory of a run and of a comment, besides the characters of comments. */
const RUN_BYTES = 160;
const COMMENT_BYTES = 100;

const NO_COMMENTS: ReadonlyMap<number, readonly string[]> = new Map();

/** The runs of the packets in a ring, in order. */
export class RunList {
  readonly #runs: PacketRun[] = [];
  /** The runs before this index have been removed. */
  #first = 0;
  #bytes = 0;

  /** The memory beyond that of a single run without comments, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The maximum of what {@link add} would add to {@link bytes}. */
  costOf(batch: PacketBatch, index: number, count: number): number {
    const last = this.#runs.at(-1);
    let cost = last === undefined || continues(last, batch) ? 0 : RUN_BYTES;
    for (const [at, comments] of batch.comments ?? NO_COMMENTS) {
      if (at >= index && at < index + count) cost += bytesOf(comments);
    }
    return cost;
  }

  /** Adds the packets of a batch, which lie in the ring from `position` on, to the last run or to a new one. */
  add(batch: PacketBatch, index: number, count: number, position: number, arrivalUs: number): void {
    const last = this.#runs.at(-1);
    const run = last !== undefined && continues(last, batch) ? last : this.#begin(batch, position, arrivalUs);
    for (const [at, comments] of batch.comments ?? NO_COMMENTS) {
      if (at < index || at >= index + count) continue;
      run.comments?.set(position + batch.offsets[at]! - batch.offsets[index]!, comments);
      this.#bytes += bytesOf(comments);
    }
  }

  /** The run of the packet at `position`, which is in the ring. */
  at(position: number): PacketRun {
    return this.#runs[this.#indexAt(position)]!;
  }

  #indexAt(position: number): number {
    let low = this.#first;
    let high = this.#runs.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.position <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The position of the first packet after the run; Infinity for the last run. */
  endOf(run: PacketRun): number {
    return this.#runs[this.#indexAt(run.position) + 1]?.position ?? Number.POSITIVE_INFINITY;
  }

  /** Removes what belongs to packets before `position` only. */
  removeBefore(position: number): void {
    const run = this.#runs[this.#first];
    if (run?.comments !== undefined) this.#removeComments(run.comments, position);
    while ((this.#runs[this.#first + 1]?.position ?? Number.POSITIVE_INFINITY) <= position) {
      const { comments } = this.#runs[this.#first]!;
      if (comments !== undefined) this.#removeComments(comments, Number.POSITIVE_INFINITY);
      this.#first++;
      this.#bytes -= RUN_BYTES;
    }
    // Removing each from the front of the array would move all others.
    if (this.#first > 1024 && this.#first * 2 > this.#runs.length) {
      this.#runs.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #begin(batch: PacketBatch, position: number, arrivalUs: number): PacketRun {
    const run = {
      position,
      format: batch.format,
      eraSeconds: batch.eraSeconds ?? 0,
      arrivalUs: batch.untimed === true ? arrivalUs : undefined,
      comments: batch.comments && new Map<number, readonly string[]>(),
    };
    if (this.#runs.length > this.#first) this.#bytes += RUN_BYTES;
    this.#runs.push(run);
    return run;
  }

  /** Comments are in the order of their positions. */
  #removeComments(comments: Map<number, readonly string[]>, position: number): void {
    for (const [at, texts] of comments) {
      if (at >= position) return;
      comments.delete(at);
      this.#bytes -= bytesOf(texts);
    }
  }
}

function continues(run: PacketRun, { format, eraSeconds = 0, untimed, comments }: PacketBatch): boolean {
  return (
    run.eraSeconds === eraSeconds &&
    run.arrivalUs === undefined &&
    untimed !== true &&
    (run.comments !== undefined || comments === undefined) &&
    (run.format === format ||
      (run.format.linkType === format.linkType &&
        run.format.resolution === format.resolution &&
        run.format.snapLength === format.snapLength &&
        run.format.interfaceId === format.interfaceId))
  );
}

function bytesOf(comments: readonly string[]): number {
  return comments.reduce((sum, { length }) => sum + COMMENT_BYTES + 2 * length, 0);
}

const time: PacketTime = { seconds: 0, nanoseconds: 0 };

/** The time of a record of a run, in whole microseconds since 1970. */
export function timeOf(
  records: Uint8Array,
  at: number,
  { format, eraSeconds, arrivalUs }: PacketRun,
): number {
  if (arrivalUs !== undefined) return arrivalUs;
  readRecordTime(records, at, format.resolution, eraSeconds, time);
  return time.seconds * 1_000_000 + Math.floor(time.nanoseconds / 1000);
}
