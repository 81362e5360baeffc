import type { PacketSource } from "../../packet/source.js";

/** `opening` and `closing` may outlast the call: opening a capture cannot be interrupted everywhere. */
export type SlotState = "opening" | "open" | "closing" | "free";

/**
 * One of the `maxRecordings`, and the source that it is taken for. The slot follows the source, not the call: a client that
 * cancels while the source is still opening frees it only when the source has opened and closed again. Otherwise clients
 * that start and cancel could have any number of captures open at once.
 */
export class RecordingSlot {
  /** Rejects if opening fails; the slot must be closed all the same. */
  readonly source: Promise<PacketSource>;
  readonly #release: () => void;
  #state: SlotState = "opening";
  #sinkOpening: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;

  /** @param release Frees the slot; called once. */
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

  /** Also keeps the slot until a sink has opened, or failed to. */
  holdForSink(opening: Promise<unknown>): void {
    this.#sinkOpening = opening;
  }

  /** Closes the source as soon as it is open, then frees the slot. May be called again. Never rejects. */
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
      // The recording has its outcome; a source that cannot be opened or closed does not change it.
    }
    await this.#sinkOpening?.catch(() => {});
    this.#state = "free";
    this.#release();
  }
}
