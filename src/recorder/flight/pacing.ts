import { Wakeup } from "../../async/wakeup.js";

/** Lets packets and events that were recorded advance together by their times, in microseconds since 1970. */
export class Pacing {
  readonly #aheadUs: number;
  readonly #changed = new Wakeup();
  #eventsUs = Number.NEGATIVE_INFINITY;
  #packetsUs = Number.NEGATIVE_INFINITY;

  /** @param aheadUs How far packets may be ahead of events. */
  constructor(aheadUs: number) {
    this.#aheadUs = aheadUs;
  }

  /** The latest time of the events that were read; Infinity when they have ended. */
  get eventsUs(): number {
    return this.#eventsUs;
  }

  /** Returns a promise to wait for until packets have reached the event, so that triggers come in the order of times. */
  eventAt(timeUs: number | undefined): Promise<void> | undefined {
    if (timeUs === undefined) return undefined;
    this.#eventsUs = Math.max(this.#eventsUs, timeUs);
    this.#changed.wake();
    if (this.#packetsUs >= timeUs) return undefined;
    return this.#changed.until(() => (this.#packetsUs >= timeUs ? true : undefined)).then(() => {});
  }

  /** Returns a promise to wait for before more packets are read. */
  beforePackets(latestUs: number): Promise<void> | undefined {
    return latestUs > this.#eventsUs + this.#aheadUs ? this.#changed.wait() : undefined;
  }

  packetsUpTo(latestUs: number): void {
    this.#packetsUs = latestUs;
    this.#changed.wake();
  }

  endEvents(): void {
    this.#eventsUs = Number.POSITIVE_INFINITY;
    this.#changed.wake();
  }

  /** The packets have ended. Resolves when the events have, too. */
  async endPackets(): Promise<void> {
    this.#packetsUs = Number.POSITIVE_INFINITY;
    this.#changed.wake();
    await this.#changed.until(() => (this.#eventsUs === Number.POSITIVE_INFINITY ? true : undefined));
  }
}
