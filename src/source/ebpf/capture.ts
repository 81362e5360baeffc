import { onAbort } from "../../async/abort.js";
import { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import { cutRecords, selectRecords } from "../../packet/filter/select.js";
import type { Pull } from "../../packet/source/batch-reader.js";
import { BATCHES_PER_TURN, createLiveSource, type LiveCapture, type LiveSource } from "../live-source.js";
import type { Descriptor, Kernel } from "../native/kernel.js";
import type { Koffi, PollHandle } from "../native/koffi.js";
import type { RingReader } from "./ring-reader.js";

/**
 * How long a busy capture lets packets accumulate, in milliseconds. A wake-up for every few packets costs more than the
 * packets themselves; the cost of a timer does not depend on the number of packets.
 */
const GATHER_MS = 10;
/** Number of empty reads before the capture sleeps until a packet wakes it. */
const MAX_IDLE_READS = 2;
/**
 * Interval for measuring the offset between the clocks and for checking whether the device still exists, in
 * milliseconds.
 */
const CHECK_MS = 1000;

/** An open device. */
export interface OpenCapture {
  readonly koffi: Koffi;
  readonly kernel: Kernel;
  readonly device: string;
  readonly reader: RingReader;
  readonly wake: WakeRing;
  readonly attachments: readonly Attachment[];
  readonly format: PacketFormat;
  readonly filtered: boolean;
  /** Packets that pass the program are tested again with this predicate; undefined if the program tests everything. */
  readonly wanted: PacketPredicate | undefined;
  /** Captured bytes to keep; undefined unless the program captures more than the snap length. */
  readonly cutTo: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Releases all resources except the attachments. */
  readonly release: () => void;
}

/** A program attached to a hook of the device. */
export interface Attachment {
  detach(): void;
  /** Whether the device has been removed. */
  isGone(): boolean;
  /** Whether the program may still run briefly after it is detached; if false, the kernel waits for it. */
  readonly lingers: boolean;
}

/** The BPF ring buffer that wakes the reader; its contents are ignored. */
export interface WakeRing {
  readonly descriptor: Descriptor;
  /**
   * The page with the consumer position, which this process writes, followed by the page with the producer position.
   */
  readonly positions: BigInt64Array;
  readonly pageBytes: number;
}

/** Creates a source from an open device. The source owns the device. */
export function captureSource(capture: OpenCapture): LiveSource {
  const { linkType, resolution, snapLength } = capture.format;
  const description = { linkType, resolution, snapLength, name: capture.device };
  return createLiveSource(new EbpfCapture(capture), description, capture.filtered);
}

class EbpfCapture implements LiveCapture {
  readonly #capture: OpenCapture;
  readonly #checks: ReturnType<typeof setInterval>;
  readonly #poll: PollHandle;
  /** Removes the abort listener, which detaches the programs because further packets would not be read. */
  #removeListener = () => {};
  readonly #wake = () => this.#interrupt();
  /** Number of empty reads since the last packet. */
  #idleReads = MAX_IDLE_READS;
  #batches = 0;
  /** Whether to read again immediately because the last batch was full; otherwise let packets accumulate. */
  #more = false;
  #attached = true;
  /** Detached, but a program may still be writing a packet. */
  #lingering = false;
  #closed = false;
  #gone = false;
  #lost = 0;
  /** Whether the last read found packets of which none matched, so that others may follow. */
  #hasSkipped = false;
  /** Ends the pending wait. */
  #interruptWait: (() => void) | undefined;

  constructor(capture: OpenCapture) {
    this.#capture = capture;
    const { koffi, wake, signal } = capture;
    this.#poll = koffi.node.poll(wake.descriptor, { readable: true }, () => this.#woken());
    this.#poll.unref();
    this.#checks = setInterval(() => this.#check(), CHECK_MS);
    this.#checks.unref();
    this.#removeListener = onAbort(signal, () => this.stop());
  }

  pull(): ReturnType<Pull> {
    this.#capture.signal?.throwIfAborted();
    this.#batches++;
    if (this.#more && this.#batches % BATCHES_PER_TURN !== 0) {
      const batch = this.#read();
      if (batch !== undefined) return batch;
    }
    return this.#pullOn();
  }

  dropped(): number {
    if (!this.#closed) this.#lost = this.#capture.reader.lost;
    return this.#lost;
  }

  /** Detaches the programs. Received packets can still be read. */
  stop(): void {
    this.#detach();
    this.#interrupt();
  }

  leave(): void {
    this.#detach();
    this.dropped();
    this.#closed = true;
    this.#interrupt();
  }

  close(): void {
    const { release } = this.#capture;
    this.leave();
    this.#removeListener();
    clearInterval(this.#checks);
    this.#poll.close();
    release();
  }

  async #pullOn(): Promise<PacketBatch | undefined> {
    // Release before the wait: the batch has been processed, and its memory can be reused.
    this.#capture.reader.release();
    for (;;) {
      await this.#wait();
      this.#capture.signal?.throwIfAborted();
      if (this.#closed) return undefined;
      // Read before the last `#read`: if already detached, no packet can follow.
      const attached = this.#attached;
      const batch = this.#read();
      if (batch !== undefined) return batch;
      if (!attached && !this.#hasSkipped) return this.#end();
    }
  }

  #end(): undefined {
    const { device } = this.#capture;
    if (this.#gone)
      throw new FlowscribeError("device_gone", `${device} was removed while it was captured from`);
  }

  #read(): PacketBatch | undefined {
    const { reader, wanted, cutTo } = this.#capture;
    this.#hasSkipped = false;
    const batch = reader.read();
    this.#more = reader.cut;
    this.#idleReads = batch === undefined ? this.#idleReads + 1 : 0;
    if (batch === undefined) return undefined;
    const selected = wanted === undefined ? batch : selectRecords(batch, wanted, true);
    if (selected.length === 0) {
      reader.release();
      this.#hasSkipped = true;
      return undefined;
    }
    return cutTo === undefined ? selected : cutRecords(selected, cutTo, true);
  }

  #wait(): Promise<void> {
    const { reader } = this.#capture;
    if (this.#lingering) {
      this.#lingering = false;
      return new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    }
    if (this.#more || !this.#attached) return new Promise((resolve) => setImmediate(resolve));
    if (this.#idleReads < MAX_IDLE_READS) return this.#waitFor(GATHER_MS);
    // Set before the last check. The program writes the record and then reads the flag, so at least one of the two sees
    // the other.
    reader.sleeping = true;
    if (!reader.ready) return this.#waitFor(undefined);
    reader.sleeping = false;
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits until a packet wakes the capture or the timeout expires, or until it is stopped, left or aborted. */
  #waitFor(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#interrupt(), timeoutMs);
      if (timer === undefined) this.#poll.ref();
      this.#interruptWait = () => {
        this.#interruptWait = undefined;
        clearTimeout(timer);
        if (timer === undefined) this.#poll.unref();
        resolve();
      };
    });
  }

  #interrupt(): void {
    this.#interruptWait?.();
  }

  #woken(): void {
    if (this.#closed) return;
    const { positions, pageBytes } = this.#capture.wake;
    Atomics.store(positions, 0, Atomics.load(positions, pageBytes / 8));
    // Called by libuv, not by Node: promise reactions would not run.
    setImmediate(this.#wake);
  }

  #check(): void {
    if (!this.#attached) return;
    const { kernel, reader, attachments } = this.#capture;
    reader.clockOffset = kernel.clockOffset();
    if (!attachments.some((attachment) => attachment.isGone())) return;
    this.#gone = true;
    this.stop();
  }

  #detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    for (const attachment of this.#capture.attachments) {
      attachment.detach();
      if (attachment.lingers) this.#lingering = true;
    }
  }
}
