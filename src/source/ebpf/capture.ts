import { onAbort } from "../../async/abort.js";
import { FlowscribeError } from "../../errors/errors.js";
import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import { cutRecords } from "../../packet/select.js";
import type { Pull } from "../../packet/source.js";
import { BATCHES_PER_TURN, createLiveSource, type LiveCapture, type LiveSource } from "../live-source.js";
import type { Descriptor, Kernel } from "../native/kernel.js";
import type { Koffi, PollHandle } from "../native/koffi.js";
import type { RingReader } from "./ring-reader.js";

/**
 * How long a busy capture lets packets gather. Being woken for every few of them costs more than they do; waiting for a timer
 * costs nothing that grows with the packets.
 */
const GATHER_MS = 10;
/** Looks in vain before the capture sleeps until a packet wakes it. */
const IDLE_LOOKS = 2;
/** How often the offset between the clocks is measured again, and whether the device is still there. */
const CHECK_MS = 1000;

/** A device that has been opened. */
export interface OpenCapture {
  readonly koffi: Koffi;
  readonly kernel: Kernel;
  readonly device: string;
  readonly reader: RingReader;
  readonly wake: WakeRing;
  readonly attachments: readonly Attachment[];
  readonly format: PacketFormat;
  readonly filtered: boolean;
  /** Captured bytes to keep, when fewer than the program keeps. */
  readonly cutTo: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Gives back all but the attachments. */
  readonly release: () => void;
}

/** A program on a hook of the device. */
export interface Attachment {
  detach(): void;
  /** Whether the device is not there any more. */
  isGone(): boolean;
  /** Whether a program may still run a moment after it was detached; else the kernel has waited for it. */
  readonly lingers: boolean;
}

/** The BPF ring buffer through which the program wakes the reader; what is in it does not matter. */
export interface WakeRing {
  readonly descriptor: Descriptor;
  /** The page with the consumer's position, which is ours to write, and the page with the producer's. */
  readonly positions: BigInt64Array;
  readonly pageBytes: number;
}

/** Makes a source of an open device, which the source now owns. */
export function captureSource(capture: OpenCapture): LiveSource {
  const { linkType, resolution, snapLength } = capture.format;
  const description = { linkType, resolution, snapLength, name: capture.device };
  return createLiveSource(new EbpfCapture(capture), description, capture.filtered);
}

class EbpfCapture implements LiveCapture {
  readonly #capture: OpenCapture;
  readonly #checks: ReturnType<typeof setInterval>;
  readonly #poll: PollHandle;
  /** Nobody takes what would come. */
  #removeListener = () => {};
  readonly #wake = () => this.#interrupt();
  /** Looks that found nothing, since the last packet. */
  #idleLooks = IDLE_LOOKS;
  #batches = 0;
  /** More may be there at once, as the last batch was as large as batches are; else they are to gather. */
  #more = false;
  #attached = true;
  /** Detached, but a program may still be about to put down a packet. */
  #lingering = false;
  #closed = false;
  #gone = false;
  #lost = 0;
  /** Ends the wait that is going on. */
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
      const batch = this.#take();
      if (batch !== undefined) return batch;
    }
    return this.#pullOn();
  }

  dropped(): number {
    if (!this.#closed) this.#lost = this.#capture.reader.lost;
    return this.#lost;
  }

  /** What has arrived is then still to be taken. */
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
    // Given back before the wait: what is read by now makes room.
    this.#capture.reader.release();
    for (;;) {
      await this.#wait();
      this.#capture.signal?.throwIfAborted();
      if (this.#closed) return undefined;
      // Seen before the last look: nothing comes after it.
      const attached = this.#attached;
      const batch = this.#take();
      if (batch !== undefined) return batch;
      if (!attached) return this.#end();
    }
  }

  #end(): undefined {
    const { device } = this.#capture;
    if (this.#gone)
      throw new FlowscribeError("device_gone", `${device} was removed while it was captured from`);
  }

  #take(): PacketBatch | undefined {
    const { reader, cutTo } = this.#capture;
    const batch = reader.take();
    this.#more = reader.cut;
    this.#idleLooks = batch === undefined ? this.#idleLooks + 1 : 0;
    return batch === undefined || cutTo === undefined ? batch : cutRecords(batch, cutTo, true);
  }

  #wait(): Promise<void> {
    const { reader } = this.#capture;
    if (this.#lingering) {
      this.#lingering = false;
      return new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    }
    if (this.#more || !this.#attached) return new Promise((resolve) => setImmediate(resolve));
    if (this.#idleLooks < IDLE_LOOKS) return this.#waitFor(GATHER_MS);
    // Set before the last look, and the program looks at it after it has written: one of the two sees the other.
    reader.sleeping = true;
    if (!reader.ready) return this.#waitFor(undefined);
    reader.sleeping = false;
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Until a packet wakes the capture, or a time is over; or it is stopped, left or aborted. */
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
    // libuv calls here, not Node: what waits on a promise would not go on.
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
