import type { Clock } from "../../async/clock.js";
import { MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import type { PacketSource } from "../../packet/source.js";
import type { InterruptibleWait } from "../interruptible-wait.js";
import type { CaptureRing } from "../ring/capture-ring.js";
import type { OpenSink } from "../sink.js";
import type { FlightCapture } from "./flight-recorder.js";
import { type FlightCaptureReason, RunningCapture } from "./running-capture.js";
import { SilenceTimer } from "./silence-timer.js";
import type { CaptureCounts, PacketCounts } from "./stats.js";
import { TriggerLimit } from "./trigger/trigger-limit.js";
import type { FlightWindow } from "./windows.js";

/** The maximum to write between two batches, so that the source need not wait while the past is written. */
const BYTES_PER_STEP = 4 * 1024 * 1024;
/** Marks below this one are those of captures. */
const OLDER_CAPTURE = 255;

const FILE_PREFIX = "flight";

/** The dependencies of the captures of a flight recorder. */
export interface CaptureDependencies {
  readonly source: PacketSource;
  readonly ring: CaptureRing;
  readonly counts: PacketCounts;
  readonly clock: Clock;
  readonly waits: InterruptibleWait;
  readonly openSink: OpenSink;
  readonly onCapture: ((capture: FlightCapture) => void) | undefined;
  readonly maxPerMinute: number;
  /** Called when a capture should end because no packets arrive; see {@link CaptureSequence.isSilent}. */
  readonly onSilence: () => void;
}

/** The captures of a flight recorder, one after the other. */
export class CaptureSequence {
  readonly #with: CaptureDependencies;
  readonly #limit: TriggerLimit;
  readonly #silence: SilenceTimer;
  #current: RunningCapture | undefined;
  #begun = 0;
  #failed = 0;
  #triggers = 0;

  constructor(dependencies: CaptureDependencies) {
    this.#with = dependencies;
    this.#limit = new TriggerLimit(dependencies.maxPerMinute, dependencies.clock);
    this.#silence = new SilenceTimer(dependencies.clock, dependencies.onSilence);
  }

  get current(): RunningCapture | undefined {
    return this.#current;
  }

  get counts(): CaptureCounts {
    return {
      begun: this.#begun,
      failed: this.#failed,
      triggers: this.#triggers,
      limited: this.#limit.refused,
    };
  }

  /** Whether the current capture should end because no packets arrive. */
  get isSilent(): boolean {
    return this.#silence.isOver;
  }

  /** Whether packets that the current capture may contain remain to be written. */
  get isBehind(): boolean {
    return this.#current !== undefined && !this.#current.hasReached(this.#with.ring.end);
  }

  notePackets(): void {
    this.#silence.notePackets();
  }

  /** Begins a capture for the window of a trigger, or extends the current one, unless there were too many. */
  async add(window: FlightWindow, afterMs: number): Promise<void> {
    const { ring, counts, waits, openSink, source, clock } = this.#with;
    const running = this.#current;
    if (running?.windows.hasScope(window.scope) !== true && !this.#limit.allows()) return;
    this.#triggers++;
    this.#silence.restart(afterMs);
    if (running !== undefined) {
      running.add(window);
      return;
    }
    const capture = new RunningCapture(++this.#begun, this.#nextMark(), ring, counts);
    capture.add(window);
    this.#current = capture;
    const opening = new AbortController();
    const request = {
      filePrefix: FILE_PREFIX,
      interfaces: source.interfaces,
      snapLength: MAX_CAPTURED_LENGTH,
      clock,
    };
    try {
      await this.#silence.while(waits.for(capture.open(openSink, request, opening.signal)));
    } catch (error) {
      opening.abort(error);
      throw error;
    }
  }

  /** Writes the next part of the wanted packets. */
  step(): void | Promise<void> {
    return this.#advance(this.#with.ring.end, BYTES_PER_STEP);
  }

  /** Writes all wanted packets that have arrived. */
  catchUp(): void | Promise<void> {
    return this.#advance(this.#with.ring.end);
  }

  /** Writes the wanted packets before the position `limit`, and closes the current capture. */
  async finish(limit: number, reason: FlightCaptureReason): Promise<void> {
    const capture = this.#current;
    if (capture === undefined) return;
    const { waits, source, onCapture } = this.#with;
    this.#silence.cancel();
    await this.#advance(limit);
    const ended = await waits.for(capture.close(reason, source.stats()));
    this.#current = undefined;
    if (ended.error !== undefined) this.#failed++;
    if (onCapture !== undefined) onCapture(ended);
    else if (ended.error !== undefined) throw ended.error;
  }

  /** Keeps what is written. */
  async abort(): Promise<void> {
    this.#silence.cancel();
    await this.#current?.abort();
  }

  #advance(limit: number, maxBytes?: number): void | Promise<void> {
    const written = this.#current?.advance(limit, maxBytes);
    if (written !== undefined) return this.#silence.while(this.#with.waits.for(written));
  }

  #nextMark(): number {
    const mark = 1 + ((this.#begun - 1) % (OLDER_CAPTURE - 1));
    if (mark === 1) {
      this.#with.ring.unifyMarks(OLDER_CAPTURE);
    }
    return mark;
  }
}
