import { onAbort } from "../../async/abort.js";
import type { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter.js";
import { cutRecords, selectRecords } from "../../packet/select.js";
import type { CaptureInterface, Pull } from "../../packet/source.js";
import { BATCHES_PER_TURN, createLiveSource, type LiveCapture, type LiveSource } from "../live-source.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import { captureError } from "./open-error.js";
import type { BatchReader } from "./reader.js";
import type { Readiness } from "./readiness.js";

/**
 * How much longer than twice the kernel's timeout a stopped capture waits for what the kernel still keeps back. The kernel's timer
 * hands over a block that it has seen before, so that a packet may wait for two periods, each rounded up to a tick of up to 10 ms.
 */
const FLUSH_MARGIN_MS = 30;
/** How much more than was asked for the kernel's buffer may hold, as libpcap rounds up to whole blocks. */
const BUFFER_ROUNDING_BYTES = 1024 * 1024;

/** A device that has been opened. */
export interface OpenCapture {
  readonly device: string;
  readonly handle: PcapHandle;
  readonly reader: BatchReader;
  readonly readiness: Readiness;
  readonly format: PacketFormat;
  readonly description: CaptureInterface;
  /** What the kernel lets through is looked at again. */
  readonly wanted: PacketPredicate | undefined;
  /** Captured bytes to keep, when fewer than were captured for the predicate. */
  readonly cutTo: number | undefined;
  readonly bufferBytes: number;
  /** How long the kernel may keep packets back so as to hand them over together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Makes a source of an open device, which the source now owns. */
export function captureSource(capture: OpenCapture): LiveSource {
  return createLiveSource(new LibpcapCapture(capture), capture.description, capture.wanted !== undefined);
}

class LibpcapCapture implements LiveCapture {
  readonly #capture: OpenCapture;
  readonly #removeListener: () => void;
  #batches = 0;
  /** Nothing was left when last looked at. */
  #idle = false;
  /** When the kernel will have handed over all that had arrived when the capture was stopped, or met its end. */
  #flushedAt: number | undefined;
  /** Bytes taken since then: the kernel's buffer held no more, so that what comes beyond has come later. */
  #bytesAfterFlush = 0;
  /** The last look has been taken. */
  #done = false;
  #left = false;
  /** What the pass ends with, when all is handed out that came before. */
  #failure: FlowscribeError | undefined;
  #droppedTotal = 0;
  /** As the kernel last told it, modulo 2³². */
  #droppedTold = 0;

  constructor(capture: OpenCapture) {
    this.#capture = capture;
    this.#removeListener = onAbort(capture.signal, () => capture.readiness.wake());
  }

  pull(): ReturnType<Pull> {
    this.#capture.signal?.throwIfAborted();
    this.#batches++;
    if (!this.#idle && !this.#done && this.#batches % BATCHES_PER_TURN !== 0) {
      const batch = this.#take();
      if (batch !== undefined) return batch;
    }
    return this.#pullOn();
  }

  async #pullOn(): Promise<PacketBatch | undefined> {
    for (;;) {
      if (this.#done) return this.#end();
      await this.#wait();
      this.#capture.signal?.throwIfAborted();
      if (this.#left) return undefined;
      const batch = this.#take();
      if (batch !== undefined) return batch;
    }
  }

  #end(): undefined {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Until there may be packets, or for a turn of the event loop when there are more. */
  #wait(): Promise<void> {
    if (!this.#idle) return new Promise((resolve) => setImmediate(resolve));
    const { readiness } = this.#capture;
    if (this.#flushedAt === undefined) return readiness.wait();
    const leftMs = Math.max(0, Math.ceil(this.#flushedAt - performance.now()));
    // An interface that is gone would be ready at once, and for ever.
    return this.#failure === undefined ? readiness.wait(leftMs) : readiness.sleep(leftMs);
  }

  /** What there is now, selected and cut; undefined when there is nothing, or nothing of it is wanted. */
  #take(): PacketBatch | undefined {
    const { reader, format, wanted, cutTo } = this.#capture;
    const flushed = this.#flushedAt !== undefined && performance.now() >= this.#flushedAt;
    const batch = reader.read(format);
    this.#idle = reader.drained;
    if (reader.failed) this.#fail();
    if (flushed) {
      this.#bytesAfterFlush += batch?.records.length ?? 0;
      if (this.#idle || this.#bytesAfterFlush > this.#capture.bufferBytes + BUFFER_ROUNDING_BYTES)
        this.#done = true;
    }
    if (batch === undefined) return undefined;
    const selected = wanted === undefined ? batch : selectRecords(batch, wanted, true);
    if (selected.length === 0) return undefined;
    return cutTo === undefined ? selected : cutRecords(selected, cutTo, true);
  }

  #fail(): void {
    const { device, handle } = this.#capture;
    if (this.#failure !== undefined) return;
    this.#failure = captureError(device, handle.errorText());
    // What the kernel still keeps back has come before.
    this.#flush();
  }

  #flush(): void {
    this.#flushedAt ??= performance.now() + 2 * this.#capture.timeoutMs + FLUSH_MARGIN_MS;
  }

  stop(): void {
    this.#flush();
    this.#capture.readiness.wake();
  }

  leave(): void {
    this.#left = true;
    this.#capture.readiness.wake();
  }

  dropped(): number {
    const told = this.#capture.handle.dropped();
    if (told !== undefined) {
      this.#droppedTotal += (told - this.#droppedTold) >>> 0;
      this.#droppedTold = told;
    }
    return this.#droppedTotal;
  }

  async close(): Promise<void> {
    const { handle, reader, readiness } = this.#capture;
    this.#removeListener();
    this.#left = true;
    // While it still can be asked.
    this.dropped();
    readiness.close();
    reader.close();
    await handle.close();
  }
}
