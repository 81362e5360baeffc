import { onAbort } from "../../async/abort.js";
import { nextState } from "../../async/state-machine.js";
import type { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import { cutRecords, selectRecords } from "../../packet/filter/select.js";
import type { Pull } from "../../packet/source/batch-reader.js";
import type { CaptureInterface } from "../../packet/source.js";
import { BATCHES_PER_TURN, createLiveSource, type LiveCapture, type LiveSource } from "../live-source.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import { CAPTURE_TRANSITIONS, type CaptureEvent, type CaptureState } from "./capture-state.js";
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
  /** Whether packets have passed `include`. */
  readonly filtered: boolean;
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
  return createLiveSource(new LibpcapCapture(capture), capture.description, capture.filtered);
}

class LibpcapCapture implements LiveCapture {
  readonly #capture: OpenCapture;
  readonly #removeListener: () => void;
  #state: CaptureState = { name: "capturing" };
  #batches = 0;
  /** Whether the last read found no further packets. */
  #isIdle = false;
  /** Bytes read after the flush. More than the kernel's buffer can hold must have arrived later. */
  #bytesAfterFlush = 0;
  #droppedTotal = 0;
  /** The kernel's counter at the last query, modulo 2³². */
  #droppedReported = 0;

  constructor(capture: OpenCapture) {
    this.#capture = capture;
    this.#removeListener = onAbort(capture.signal, () => capture.readiness.wake());
  }

  pull(): ReturnType<Pull> {
    this.#capture.signal?.throwIfAborted();
    this.#batches++;
    if (!this.#isIdle && this.#state.name !== "done" && this.#batches % BATCHES_PER_TURN !== 0) {
      const batch = this.#read();
      if (batch !== undefined) return batch;
    }
    return this.#pullOn();
  }

  async #pullOn(): Promise<PacketBatch | undefined> {
    for (;;) {
      if (this.#state.name === "done") return this.#end();
      await this.#wait();
      this.#capture.signal?.throwIfAborted();
      if (this.#state.name === "left") return undefined;
      const batch = this.#read();
      if (batch !== undefined) return batch;
    }
  }

  get #failure(): FlowscribeError | undefined {
    return "failure" in this.#state ? this.#state.failure : undefined;
  }

  #apply(event: CaptureEvent): void {
    this.#state = nextState(CAPTURE_TRANSITIONS, this.#state, event);
  }

  #end(): undefined {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits until packets may be available; for one event loop turn if there are more. */
  #wait(): Promise<void> {
    if (!this.#isIdle) return new Promise((resolve) => setImmediate(resolve));
    const { readiness } = this.#capture;
    if (this.#state.name !== "flushing") return readiness.wait();
    const { untilMs, failure } = this.#state;
    const leftMs = Math.max(0, Math.ceil(untilMs - performance.now()));
    // A removed interface would always be reported as ready.
    return failure === undefined ? readiness.wait(leftMs) : readiness.sleep(leftMs);
  }

  /** Reads, selects and truncates the available packets; undefined if there are none or none match. */
  #read(): PacketBatch | undefined {
    const { reader, format, wanted, cutTo, bufferBytes } = this.#capture;
    const isFlushed = this.#state.name === "flushing" && performance.now() >= this.#state.untilMs;
    const batch = reader.read(format);
    this.#isIdle = reader.drained;
    if (reader.failed) this.#fail();
    if (isFlushed) {
      this.#bytesAfterFlush += batch?.records.length ?? 0;
      const isRead = this.#isIdle || this.#bytesAfterFlush > bufferBytes + BUFFER_ROUNDING_BYTES;
      if (isRead) this.#apply({ name: "flushed" });
    }
    if (batch === undefined) return undefined;
    const selected = wanted === undefined ? batch : selectRecords(batch, wanted, true);
    if (selected.length === 0) return undefined;
    return cutTo === undefined ? selected : cutRecords(selected, cutTo, true);
  }

  /** Packets still buffered in the kernel arrived before the failure. */
  #fail(): void {
    const { device, handle } = this.#capture;
    if (this.#failure !== undefined) return;
    const failure = captureError(device, handle.errorText());
    this.#apply({ name: "fail", failure, untilMs: this.#flushTime() });
  }

  /** The time by which the kernel delivers the packets that have arrived by now. */
  #flushTime(): number {
    return performance.now() + 2 * this.#capture.timeoutMs + FLUSH_MARGIN_MS;
  }

  stop(): void {
    this.#apply({ name: "stop", untilMs: this.#flushTime() });
    this.#capture.readiness.wake();
  }

  leave(): void {
    this.#apply({ name: "leave" });
    this.#capture.readiness.wake();
  }

  dropped(): number {
    const reported = this.#capture.handle.dropped();
    if (reported !== undefined) {
      this.#droppedTotal += (reported - this.#droppedReported) >>> 0;
      this.#droppedReported = reported;
    }
    return this.#droppedTotal;
  }

  async close(): Promise<void> {
    const { handle, reader, readiness } = this.#capture;
    this.#removeListener();
    this.#apply({ name: "leave" });
    // Query the counter before the handle is closed.
    this.dropped();
    readiness.close();
    reader.close();
    await handle.close();
  }
}
