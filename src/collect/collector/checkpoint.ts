import type { Clock } from "../../async/clock.js";
import { Serial } from "../../async/serial.js";
import type { EventSource, JsonValue } from "../../observer/events/event-source.js";

/** Where the position of a source is kept between two runs, such as a file (`openCheckpointFile`) or a table. */
export interface CheckpointStore {
  /** Returns what was saved last; undefined if there is nothing. */
  load(): Promise<JsonValue | undefined>;
  /** Replaces what was saved. Resolves when it is durable. After a failure, the previous value must still be there. */
  save(position: JsonValue): Promise<void>;
}

/** Saves the position of a source at most once in an interval, and at the end. */
export class CheckpointWriter {
  readonly #store: CheckpointStore;
  readonly #source: EventSource;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #saves = new Serial();
  #cancelTimer: (() => void) | undefined;
  /** Whether the source has advanced since the last save. */
  #isDue = false;
  saved = 0;

  constructor(
    store: CheckpointStore,
    source: EventSource,
    intervalMs: number,
    clock: Clock,
    onFailure: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#source = source;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** Says that the source has advanced. */
  advance(): void {
    this.#isDue = true;
    this.#cancelTimer ??= this.#clock.setTimer(this.#intervalMs, () => {
      this.#cancelTimer = undefined;
      this.#saves.run(() => this.#save()).catch(this.#onFailure);
    });
  }

  /** Saves nothing more. */
  cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Saves what is not saved yet. Rejects if that fails. */
  async close(): Promise<void> {
    this.cancel();
    await this.#saves.run(() => this.#save());
  }

  async #save(): Promise<void> {
    if (!this.#isDue) return;
    const position = this.#source.position?.();
    if (position === undefined) return;
    this.#isDue = false;
    try {
      await this.#store.save(position);
      this.saved++;
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
  }
}
