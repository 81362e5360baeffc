import { onAbort } from "../../async/abort.js";
import { nextState } from "../../async/state-machine.js";
import type { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch } from "../../packet/batch.js";
import type { Pull } from "../../packet/source/batch-reader.js";
import { BATCHES_PER_TURN, type LiveCapture } from "../live-source.js";
import { CAPTURE_TRANSITIONS, type CaptureEvent, type CaptureState } from "./capture-state.js";
import type { Readiness } from "./readiness.js";

/**
 * A stopped capture waits for twice the kernel's timeout plus this margin for packets still buffered in the kernel. The
 * kernel's timer releases a block only when it sees it for the second time, so a packet may wait for two periods, each
 * rounded up to a tick of up to 10 ms.
 */
const FLUSH_MARGIN_MS = 30;
/** How often to look for packets that the descriptor does not report, in milliseconds. */
const LOOK_INTERVAL_MS = 5;
/** The kernel's buffer is rounded up to whole blocks; it may exceed the requested size by this much. */
const BUFFER_ROUNDING_BYTES = 1024 * 1024;

/** What a capture reads from: packets in batches, or blocks of them. */
export interface CaptureReader<B> {
  /** Returns the available packets that were selected; undefined if there are none. */
  read(): B | undefined;
  /** Whether the last call read all available packets. */
  readonly drained: boolean;
  /** Whether the last call failed; the handle has the error. Packets before the error have been returned. */
  readonly failed: boolean;
  /** Size of all packets that the last call read, in bytes. */
  readonly readBytes: number;
  /** Whether the descriptor reports that there are packets; otherwise the capture looks for them at an interval. */
  readonly isSignalled: boolean;
  /** What was read last is not used any more; called before the capture waits. */
  release(): void;
  close(): void;
}

/** What the kernel captures with. */
export interface CaptureHandle {
  /** The error for a read that has failed. */
  failure(): FlowscribeError;
  /** Packets dropped by the kernel, modulo 2³²; undefined if unavailable. */
  dropped(): number | undefined;
  close(): Promise<void>;
}

/** An open device. */
export interface OpenCapture {
  readonly handle: CaptureHandle;
  readonly reader: CaptureReader<PacketBatch>;
  readonly readiness: Readiness;
  readonly bufferBytes: number;
  /** How long the kernel may buffer packets to deliver them together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The capture from an open device, which it owns: its states, from the first packet to the last one. */
export class DeviceCapture implements LiveCapture {
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

  /** @param capture Is closed with this. */
  constructor(capture: OpenCapture) {
    this.#capture = capture;
    this.#removeListener = onAbort(capture.signal, () => capture.readiness.wake());
  }

  pull(): ReturnType<Pull> {
    return this.pullFrom(this.#capture.reader);
  }

  /** Like {@link pull}, from another reader of the device. */
  pullFrom<B>(reader: CaptureReader<B>): B | undefined | Promise<B | undefined> {
    this.#capture.signal?.throwIfAborted();
    this.#batches++;
    if (!this.#isIdle && this.#state.name !== "done" && this.#batches % BATCHES_PER_TURN !== 0) {
      const batch = this.#read(reader);
      if (batch !== undefined) return batch;
    }
    return this.#pullOn(reader);
  }

  async #pullOn<B>(reader: CaptureReader<B>): Promise<B | undefined> {
    for (;;) {
      if (this.#state.name === "done") return this.#end();
      reader.release();
      await this.#wait(reader);
      this.#capture.signal?.throwIfAborted();
      if (this.#state.name === "left") return undefined;
      const batch = this.#read(reader);
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
  #wait({ isSignalled }: CaptureReader<unknown>): Promise<void> {
    if (!this.#isIdle) return new Promise((resolve) => setImmediate(resolve));
    const { readiness } = this.#capture;
    if (this.#state.name !== "flushing") {
      return isSignalled ? readiness.wait() : readiness.sleep(LOOK_INTERVAL_MS);
    }
    const { untilMs, failure } = this.#state;
    const leftMs = Math.max(0, Math.ceil(untilMs - performance.now()));
    // A removed interface would always be reported as ready.
    return failure === undefined && isSignalled ? readiness.wait(leftMs) : readiness.sleep(leftMs);
  }

  /** Reads the available packets; undefined if there are none or none match. */
  #read<B>(reader: CaptureReader<B>): B | undefined {
    const { bufferBytes } = this.#capture;
    const isFlushed = this.#state.name === "flushing" && performance.now() >= this.#state.untilMs;
    const batch = reader.read();
    this.#isIdle = reader.drained;
    if (reader.failed) this.#fail();
    if (isFlushed) {
      this.#bytesAfterFlush += reader.readBytes;
      const isRead = this.#isIdle || this.#bytesAfterFlush > bufferBytes + BUFFER_ROUNDING_BYTES;
      if (isRead) this.#apply({ name: "flushed" });
    }
    return batch;
  }

  /** Packets still buffered in the kernel arrived before the failure. */
  #fail(): void {
    if (this.#failure !== undefined) return;
    const failure = this.#capture.handle.failure();
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
