import type { Koffi, PollHandle } from "../native/koffi.js";

/**
 * Polling interval for captures without a descriptor to wait on (Windows); the same as the kernel's default timeout.
 */
const POLL_INTERVAL_MS = 10;
/** Polling interval for an interface that went down: its removal is not signalled. */
const DOWN_INTERVAL_MS = 200;

/** Waits on the event loop until packets may be available. */
export class Readiness {
  readonly #koffi: Koffi;
  readonly #descriptor: number | undefined;
  #poll: PollHandle | undefined;
  /** Whether the descriptor has reported an error: the interface went down. */
  #faulty = false;
  #closed = false;
  /** Ends the pending wait. */
  #wake: (() => void) | undefined;

  /** @param descriptor The descriptor to wait on; undefined to poll at an interval. */
  constructor(koffi: Koffi, descriptor: number | undefined) {
    this.#koffi = koffi;
    this.#descriptor = descriptor;
  }

  /** Resolves when packets may be available, or after `atMostMs` milliseconds. Only one wait at a time. */
  async wait(atMostMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    let limitMs = atMostMs;
    if (this.#descriptor === undefined) limitMs = Math.min(limitMs, POLL_INTERVAL_MS);
    else if (this.#faulty) limitMs = Math.min(limitMs, DOWN_INTERVAL_MS);
    await this.#wait(limitMs, this.#descriptor);
  }

  /** Resolves after this time, or when woken. */
  async sleep(ms: number): Promise<void> {
    await this.#wait(ms, undefined);
  }

  async #wait(limitMs: number, descriptor: number | undefined): Promise<void> {
    if (this.#closed) return;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (limitMs !== Number.POSITIVE_INFINITY) timer = setTimeout(resolve, limitMs);
        if (descriptor !== undefined) this.#start(descriptor, resolve);
      });
    } finally {
      this.#wake = undefined;
      clearTimeout(timer);
      // Otherwise the callback would run repeatedly while packets wait for a slow reader.
      this.#poll?.stop();
    }
  }

  /** Ends the pending wait. */
  wake(): void {
    this.#wake?.();
  }

  /** Call it before the descriptor is closed. */
  close(): void {
    this.#closed = true;
    this.#poll?.close();
    this.#poll = undefined;
    this.wake();
  }

  #start(descriptor: number, resolve: () => void): void {
    const callback = (status: number) => {
      if (status < 0) this.#faulty = true;
      // In a libuv callback, Node does not run promise reactions until the next event loop turn.
      setImmediate(resolve);
    };
    const events = { readable: true };
    if (this.#poll === undefined) this.#poll = this.#koffi.node.poll(descriptor, events, callback);
    else this.#poll.start(events, callback);
  }
}
