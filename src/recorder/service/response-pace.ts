import { nextState, type TransitionTable } from "../../async/state-machine.js";
import type { ServiceDependencies } from "./context.js";
import { NO_STATS, sameStats, type WireStats } from "./response.js";

/** When the next `running` response may or must be sent. */
export type PaceState =
  /** The counts may be sent as soon as they change. */
  | { readonly name: "ready" }
  /** The client has not read the last response. */
  | { readonly name: "unread" }
  /** The minimum interval since the last response has not passed. */
  | { readonly name: "holding" }
  /** The maximum interval has passed: the counts are sent even if they are unchanged. */
  | { readonly name: "due" };

export type PaceEvent =
  | { readonly name: "send" }
  /** The client has read the response. */
  | { readonly name: "read"; readonly hasMinimum: boolean }
  | { readonly name: "minimumPassed" }
  | { readonly name: "maximumPassed" };

const unread = (): PaceState => ({ name: "unread" });
const due = (): PaceState => ({ name: "due" });

export const PACE_TRANSITIONS: TransitionTable<PaceState, PaceEvent> = {
  ready: { send: unread, read: "impossible", minimumPassed: "impossible", maximumPassed: due },
  unread: {
    send: "impossible",
    read: (_, { hasMinimum }) => ({ name: hasMinimum ? "holding" : "ready" }),
    minimumPassed: "impossible",
    maximumPassed: "impossible",
  },
  holding: {
    send: "impossible",
    read: "impossible",
    minimumPassed: () => ({ name: "ready" }),
    maximumPassed: due,
  },
  due: { send: unread, read: "impossible", minimumPassed: "ignored", maximumPassed: "impossible" },
};

/** The intervals between responses: at most `runningIntervalMs`, and at least `changeIntervalMs`, which may be 0. */
export type PaceSettings = Pick<ServiceDependencies, "clock" | "runningIntervalMs" | "changeIntervalMs"> & {
  readonly limits: Pick<ServiceDependencies["limits"], "readTimeoutMs">;
};

/** Decides when to send the counts of a recording: soon after a change, and at least at an interval. */
export class ResponsePace {
  readonly #settings: PaceSettings;
  readonly #onReady: () => void;
  readonly #onUnread: () => void;
  readonly #cancelTimers = new Set<() => void>();
  #state: PaceState = { name: "ready" };
  /** Whether the counts may differ from those that were sent. */
  #hasChanged = false;
  #sent: WireStats = NO_STATS;

  /**
   * @param onReady Called when {@link select} may return counts.
   * @param onUnread Called when the client has not read a response within `readTimeoutMs`.
   */
  constructor(settings: PaceSettings, onReady: () => void, onUnread: () => void) {
    this.#settings = settings;
    this.#onReady = onReady;
    this.#onUnread = onUnread;
  }

  /** The counts may have changed. */
  change(): void {
    this.#hasChanged = true;
    this.#onReady();
  }

  /** Returns the counts if they are to be sent now. */
  select(current: () => WireStats): WireStats | undefined {
    if (this.#state.name === "due") return current();
    if (this.#state.name !== "ready" || !this.#hasChanged) return undefined;
    this.#hasChanged = false;
    const stats = current();
    return sameStats(stats, this.#sent) ? undefined : stats;
  }

  /** Call it before the response is passed to the client. */
  send(stats: WireStats): void {
    this.end();
    this.#sent = stats;
    this.#apply({ name: "send" });
    this.#setTimer(this.#settings.limits.readTimeoutMs, this.#onUnread);
  }

  /** Call it when the client has read the response. */
  read(): void {
    const { runningIntervalMs, changeIntervalMs } = this.#settings;
    this.end();
    const hasMinimum = changeIntervalMs > 0;
    this.#apply({ name: "read", hasMinimum });
    this.#setTimer(runningIntervalMs, () => {
      this.#apply({ name: "maximumPassed" });
      this.#onReady();
    });
    if (!hasMinimum) return;
    this.#setTimer(changeIntervalMs, () => {
      this.#apply({ name: "minimumPassed" });
      this.#onReady();
    });
  }

  /** Cancels all timers. */
  end(): void {
    for (const cancel of this.#cancelTimers) cancel();
    this.#cancelTimers.clear();
  }

  #apply(event: PaceEvent): void {
    this.#state = nextState(PACE_TRANSITIONS, this.#state, event);
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimers.add(this.#settings.clock.setTimer(delayMs, callback));
  }
}
