import { onAbort } from "../../async/abort.js";
import type { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import { cutRecords, selectRecords } from "../../packet/filter/select.js";
import type { CaptureInterface, Pull } from "../../packet/source.js";
import { BATCHES_PER_TURN, createLiveSource, type LiveCapture, type LiveSource } from "../live-source.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import { captureError } from "./open-error.js";
import type { BatchReader } from "./reader.js";
import type { Readiness } from "./readiness.js";

/**
 * A stopped capture waits for twice the kernel's timeout plus this margin for packets still buffered in the kernel. The
 * kernel's timer releases a block only when it sees it for the second time, so a packet may wait for two periods, each
 * rounded up to a tick of up to 10 ms.
 */
const FLUSH_MARGIN_MS = 30;
/** libpcap rounds the kernel's buffer up to whole blocks; it may exceed the requested size by this much. */
const BUFFER_ROUNDING_BYTES = 1024 * 1024;

/** An open device. */
export interface OpenCapture {
  readonly device: string;
  readonly handle: PcapHandle;
  readonly reader: BatchReader;
  readonly readiness: Readiness;
  readonly format: PacketFormat;
  readonly description: CaptureInterface;
  /** Packets that pass the kernel's filter are checked again with this predicate. */
  readonly wanted: PacketPredicate | undefined;
  /** Captured bytes to keep; undefined unless the predicate needs more than the snap length. */
  readonly cutTo: number | undefined;
  readonly bufferBytes: number;
  /** How long the kernel may buffer packets to deliver them together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Creates a source from an open device. The source owns the device. */
export function captureSource(capture: OpenCapture): LiveSource {
  return createLiveSource(new LibpcapCapture(capture), capture.description, capture.wanted !== undefined);
}

class LibpcapCapture implements LiveCapture {
  readonly #capture: OpenCapture;
  readonly #removeListener: () => void;
  #batches = 0;
  /** Whether the last read found no further packets. */
  #idle = false;
  /** Time at which the kernel has delivered all packets that arrived before the capture was stopped or failed. */
  #flushedAt: number | undefined;
  /** Bytes read since then. More than the kernel's buffer can hold must have arrived later. */
  #bytesAfterFlush = 0;
  /** Whether the last read is done. */
  #done = false;
  #left = false;
  /** Error to throw after all earlier packets have been yielded. */
  #failure: FlowscribeError | undefined;
  #droppedTotal = 0;
  /** The kernel's counter at the last query, modulo 2³². */
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

  /** Waits until packets may be available; for one event loop turn if there are more. */
  #wait(): Promise<void> {
    if (!this.#idle) return new Promise((resolve) => setImmediate(resolve));
    const { readiness } = this.#capture;
    if (this.#flushedAt === undefined) return readiness.wait();
    const leftMs = Math.max(0, Math.ceil(this.#flushedAt - performance.now()));
    // A removed interface would always be reported as ready.
    return this.#failure === undefined ? readiness.wait(leftMs) : readiness.sleep(leftMs);
  }

  /** Reads, selects and truncates the available packets; undefined if there are none or none match. */
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
    // Packets still buffered in the kernel arrived before the failure.
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
    // Query the counter before the handle is closed.
    this.dropped();
    readiness.close();
    reader.close();
    await handle.close();
  }
}
