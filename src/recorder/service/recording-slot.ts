import type { PacketSource } from "../../packet/source.js";
import { RpcError } from "./error.js";

/** The `maxRecordings` slots of a service. */
export class RecordingSlots {
  readonly #max: number;
  #used = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Reserves a slot. Returns a function that releases it, to be called once.
   *
   * @throws RpcError RESOURCE_EXHAUSTED if all slots are in use.
   */
  acquire(): () => void {
    if (this.#used >= this.#max) {
      throw new RpcError(
        "RESOURCE_EXHAUSTED",
        `unable to allocate capture rule id: at most ${this.#max} recordings at once`,
      );
    }
    this.#used++;
    return () => {
      this.#used--;
    };
  }
}

/** `opening` and `closing` may outlast the call, as opening a capture cannot always be interrupted. */
export type SlotState = "opening" | "open" | "closing" | "free";

/**
 * One of the `maxRecordings` slots and its source. The slot is bound to the source, not to the call: if a client
 * cancels while the source is still opening, the slot is released only after the source has opened and closed again.
 * Otherwise clients that start and cancel could open an unlimited number of captures.
 */
export class RecordingSlot {
  /** Rejects if opening fails; the slot must still be closed. */
  readonly source: Promise<PacketSource>;
  readonly #release: () => void;
  #state: SlotState = "opening";
  #sinkOpening: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;

  /** @param release Releases the slot; called once. */
  constructor(opening: Promise<PacketSource>, release: () => void) {
    this.source = opening;
    this.#release = release;
    opening.then(
      () => {
        if (this.#closing === undefined) this.#state = "open";
      },
      () => {}, // Reported to the call by `source`.
    );
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Also keeps the slot until the sink has opened or failed to open. */
  holdForSink(opening: Promise<unknown>): void {
    this.#sinkOpening = opening;
  }

  /**
   * Closes the source once it is open, then releases the slot. Further calls return the same promise. Never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      const source = await this.source;
      this.#state = "closing";
      await source[Symbol.asyncDispose]();
    } catch {
      // Ignored: the outcome of the recording does not depend on opening or closing the source.
    }
    await this.#sinkOpening?.catch(() => {});
    this.#state = "free";
    this.#release();
  }
}
