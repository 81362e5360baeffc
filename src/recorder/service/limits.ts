import type { OptionTable } from "../../errors/check-options.js";
import { aPositiveNumber } from "../../errors/value-checks.js";
import { RpcError } from "./error.js";

/** Resource limits of a recorder service. */
export interface RecorderLimits {
  /** Concurrent recordings. */
  readonly maxRecordings: number;
  /** Concurrent calls, including those that have not sent their start request. */
  readonly maxCalls: number;
  /** Include filters per recording. */
  readonly maxFilters: number;
  /**
   * Bytes of one request. The transport enforces it (the server of `flowscribe/rpc` does), because a larger request
   * must not be read into memory.
   */
  readonly maxMessageBytes: number;
  /**
   * Total bytes of all recordings in the format that they are written in, headers included, plus earlier recordings as
   * reported by `storedBytes`. A recording that exceeds it fails; its file keeps all packets written before.
   */
  readonly maxStoredBytes: number;
  /** Time in milliseconds for a client to send its start request. */
  readonly startTimeoutMs: number;
  /** Time in milliseconds that a client may leave a response unread before its recording is aborted. */
  readonly readTimeoutMs: number;
}

/** Default limits of a service. */
export const DEFAULT_RECORDER_LIMITS: RecorderLimits = {
  maxRecordings: 64,
  maxCalls: 1024,
  maxFilters: 256,
  maxMessageBytes: 256 * 1024,
  maxStoredBytes: Number.POSITIVE_INFINITY,
  startTimeoutMs: 10_000,
  readTimeoutMs: 300_000,
};

/** Checks of the limits. */
export const RECORDER_LIMITS: OptionTable<Partial<RecorderLimits>> = {
  maxRecordings: aPositiveNumber,
  maxCalls: aPositiveNumber,
  maxFilters: aPositiveNumber,
  maxMessageBytes: aPositiveNumber,
  maxStoredBytes: aPositiveNumber,
  startTimeoutMs: aPositiveNumber,
  readTimeoutMs: aPositiveNumber,
};

/** Completes the given limits with the defaults. */
export function completeLimits(limits: Partial<RecorderLimits> = {}): RecorderLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_RECORDER_LIMITS, ...Object.fromEntries(given) };
}

/** Limits the total stored bytes of all recordings. */
export class StorageBudget {
  readonly #maxBytes: number;
  readonly #measure: (() => number | Promise<number>) | undefined;
  #usedBytes = 0;
  /** All bytes reserved since the service started. Used to count bytes written while `storedBytes` is being measured. */
  #reservedBytes = 0;

  constructor(maxBytes: number, measure: (() => number | Promise<number>) | undefined) {
    this.#maxBytes = maxBytes;
    this.#measure = measure;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Measures the stored bytes again, as files may have been removed. Bytes written during the measurement may be
   * counted twice until the next one.
   */
  async refresh(): Promise<void> {
    if (this.#measure === undefined || this.#maxBytes === Number.POSITIVE_INFINITY) return;
    const before = this.#reservedBytes;
    const measured = await this.#measure();
    this.#usedBytes = measured + this.#reservedBytes - before;
  }

  /** @throws RpcError RESOURCE_EXHAUSTED if the bytes exceed the limit; nothing is reserved then. */
  reserve(bytes: number): void {
    if (this.#usedBytes + bytes > this.#maxBytes) {
      throw new RpcError(
        "RESOURCE_EXHAUSTED",
        `recordings may hold ${this.#maxBytes} bytes together, and hold ${this.#usedBytes}`,
      );
    }
    this.#usedBytes += bytes;
    this.#reservedBytes += bytes;
  }

  /** Releases bytes that were reserved but are not stored. */
  release(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#reservedBytes -= bytes;
  }
}
