import type { PacketBatch } from "../../packet/batch.js";
import type { SourceStats } from "../../packet/source.js";
import { type CaptureRing, MAX_DISORDER_US, UNMARKED } from "../ring/capture-ring.js";
import { packetStart, type SelectPacket, SliceReader } from "../ring/slice-reader.js";
import type { OpenSink, PacketSink, SinkRequest } from "../sink.js";
import type { FlightCapture } from "./flight-recorder.js";
import type { PacketCounts } from "./stats.js";
import { type FlightWindow, FlightWindows } from "./windows.js";

/** Why a capture ended: its last window had passed, the recorder was stopped or its events failed, or the source ended. */
export type FlightCaptureReason = "complete" | "requested" | "source_end";

/** A capture while it is written: the windows of its triggers, and how far the ring has been searched for them. */
export class RunningCapture {
  readonly windows = new FlightWindows();
  readonly number: number;
  readonly #ring: CaptureRing;
  readonly #reader: SliceReader;
  readonly #counts: PacketCounts;
  readonly #select: SelectPacket;
  #sink: PacketSink | undefined;
  #cursor: number;
  /** The latest time of the packets before the cursor, in microseconds since 1970. */
  #searchedUs = Number.NEGATIVE_INFINITY;
  #triggers = 0;
  #packets = 0;
  #bytes = 0;
  #failure: { readonly error: Error } | undefined;
  /** Selected packets of the current slice that no capture has wanted before. */
  #fresh = 0;

  /** @param mark The mark of the packets of this capture in the ring; no other packet has it. */
  constructor(number: number, mark: number, ring: CaptureRing, counts: PacketCounts) {
    this.number = number;
    this.#ring = ring;
    this.#reader = new SliceReader(ring);
    this.#counts = counts;
    this.#cursor = ring.begin;
    this.#select = (position, run) => {
      const timeUs = ring.timeAt(position, run);
      if (timeUs > this.#searchedUs) this.#searchedUs = timeUs;
      const before = ring.markAt(position);
      if (before === mark) return false;
      const start = packetStart(ring, position);
      const end = ring.offsetOf(position) + ring.lengthAt(position);
      if (!this.windows.contain(timeUs, ring.bytes, start, end, run.format.linkType)) return false;
      if (before === UNMARKED) this.#fresh++;
      ring.setMark(position, mark);
      return true;
    };
  }

  /** Adds the window of a trigger. */
  add(window: FlightWindow): void {
    this.#triggers++;
    // Windows are forgotten only when even packets that arrive out of order are later.
    this.windows.removeBefore((this.#ring.oldestUs ?? Number.NEGATIVE_INFINITY) - MAX_DISORDER_US);
    // Packets of the new window that have been passed over are written now, after those that are already written.
    if (this.windows.add(window, this.#searchedUs)) this.#cursor = this.#ring.begin;
  }

  /** Whether the ring has been searched up to `position`. */
  hasReached(position: number): boolean {
    return this.#ring.firstFrom(this.#cursor) >= position;
  }

  /** The position from which packets are still needed. */
  get cursor(): number {
    return this.#ring.firstFrom(this.#cursor);
  }

  /** Opens the sink. A failure is that of the capture. If the signal is aborted first, a sink that opens is aborted. */
  async open(openSink: OpenSink, request: SinkRequest, signal: AbortSignal): Promise<void> {
    try {
      const sink = await openSink({ ...request, signal });
      if (signal.aborted) await sink.abort();
      else this.#sink = sink;
    } catch (error) {
      this.#failure = { error: toError(error) };
    }
  }

  /**
   * Writes the wanted packets before `limit`, and stops after `maxBytes` of the ring. Returns a promise only if the sink
   * has to wait.
   */
  advance(limit: number, maxBytes = Number.POSITIVE_INFINITY): void | Promise<void> {
    let from = this.cursor;
    const stopAt = from + maxBytes;
    while (from < limit && from < stopAt) {
      this.#fresh = 0;
      const { batch, end } = this.#reader.read(from, limit, this.#select);
      from = this.#ring.firstFrom(end);
      this.#cursor = end;
      if (batch === undefined) continue;
      const written = this.#write(batch);
      if (written !== undefined) return written.then(() => this.advance(limit, stopAt - from));
    }
  }

  #write(batch: PacketBatch): void | Promise<void> {
    const fresh = this.#fresh;
    const size = batch.records.length;
    const count = (): void => {
      this.#packets += batch.length;
      this.#bytes += size;
      this.#counts.inRing -= fresh;
      this.#counts.written += fresh;
    };
    const fail = (error: unknown): void => {
      this.#failure ??= { error: toError(error) };
      this.#counts.inRing -= fresh;
      this.#counts.lost += fresh;
    };
    if (this.#failure !== undefined || this.#sink === undefined) return fail(this.#failure?.error);
    try {
      const written = this.#sink.write(batch);
      if (written === undefined) return count();
      return written.then(count, fail);
    } catch (error) {
      return fail(error);
    }
  }

  /** Closes the sink; call it when everything is written. */
  async close(reason: FlightCaptureReason, stats: SourceStats): Promise<FlightCapture> {
    let filePath = this.#sink?.filePath;
    if (this.#failure !== undefined) await this.#sink?.abort();
    else {
      try {
        filePath = (await this.#sink?.close(stats))?.filePath ?? filePath;
      } catch (error) {
        this.#failure = { error: toError(error) };
        await this.#sink?.abort();
      }
    }
    return {
      number: this.number,
      filePath,
      packets: this.#packets,
      bytes: this.#bytes,
      triggers: this.#triggers,
      reason,
      error: this.#failure?.error,
    };
  }

  /** Keeps whole records and releases the sink. */
  async abort(): Promise<void> {
    await this.#sink?.abort();
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
