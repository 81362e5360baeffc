import type { OptionTable } from "../../errors/check-options.js";
import { aPositiveNumber } from "../../errors/value-checks.js";
import { RpcError } from "./error.js";

/** What a recorder service lets its clients use. */
export interface RecorderLimits {
  /** Recordings at once. */
  readonly maxRecordings: number;
  /** Calls at once, those that have not sent their start included. */
  readonly maxCalls: number;
  /** Include filters of a recording. */
  readonly maxFilters: number;
  /**
   * Bytes of one request. Requests are refused by what reads them from the wire (the server of `flowscribe/rpc`
   * does), as they are never to be read whole.
   */
  readonly maxMessageBytes: number;
  /**
   * Bytes of all recordings together in the format they are written in, headers included, and of earlier recordings as
   * `storedBytes` reports them. A recording that would go beyond fails; its file has all packets before that.
   */
  readonly maxStoredBytes: number;
  /** How long a client may take to send its start. */
  readonly startTimeoutMs: number;
  /** How long a client may leave a response unread before its recording is aborted. */
  readonly readTimeoutMs: number;
}

/** The limits of a service that is given none. */
export const DEFAULT_RECORDER_LIMITS: RecorderLimits = {
  maxRecordings: 64,
  maxCalls: 1024,
  maxFilters: 256,
  maxMessageBytes: 256 * 1024,
  maxStoredBytes: Number.POSITIVE_INFINITY,
  startTimeoutMs: 10_000,
  readTimeoutMs: 300_000,
};

/** What limits must be. */
export const RECORDER_LIMITS: OptionTable<Partial<RecorderLimits>> = {
  maxRecordings: aPositiveNumber,
  maxCalls: aPositiveNumber,
  maxFilters: aPositiveNumber,
  maxMessageBytes: aPositiveNumber,
  maxStoredBytes: aPositiveNumber,
  startTimeoutMs: aPositiveNumber,
  readTimeoutMs: aPositiveNumber,
};

/** All limits: those given, and the defaults of the others. */
export function completeLimits(limits: Partial<RecorderLimits> = {}): RecorderLimits {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_RECORDER_LIMITS, ...Object.fromEntries(given) };
}

/** Keeps the bytes of all recordings together within a bound. */
export class StorageBudget {
  readonly #maxBytes: number;
  readonly #measure: (() => number | Promise<number>) | undefined;
  #usedBytes = 0;
  /** Everything taken since the service began: tells what came while the folder was measured. */
  #takenBytes = 0;

  constructor(maxBytes: number, measure: (() => number | Promise<number>) | undefined) {
    this.#maxBytes = maxBytes;
    this.#measure = measure;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Looks again at what is stored: files may have been taken away. What is written meanwhile may count twice until then. */
  async refresh(): Promise<void> {
    if (this.#measure === undefined || this.#maxBytes === Number.POSITIVE_INFINITY) return;
    const before = this.#takenBytes;
    const measured = await this.#measure();
    this.#usedBytes = measured + this.#takenBytes - before;
  }

  /** @throws RpcError RESOURCE_EXHAUSTED when so many more bytes would be too many; then none are taken. */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#maxBytes) {
      throw new RpcError(
        "RESOURCE_EXHAUSTED",
        `recordings may hold ${this.#maxBytes} bytes together, and hold ${this.#usedBytes}`,
      );
    }
    this.#usedBytes += bytes;
    this.#takenBytes += bytes;
  }

  /** Gives back bytes that have not been written after all. */
  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#takenBytes -= bytes;
  }
}
