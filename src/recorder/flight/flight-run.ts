import { onAbort } from "../../async/abort.js";
import { type Clock, systemClock } from "../../async/clock.js";
import { nextState } from "../../async/state-machine.js";
import { checkArgument } from "../../errors/check-argument.js";
import type { LocateOptions } from "../../packet/index.js";
import type { PacketSource } from "../../packet/source.js";
import { InterruptibleWait, LEFT } from "../interruptible-wait.js";
import type { CaptureRing } from "../ring/capture-ring.js";
import { type Arrival, createIntake, type Intake } from "../ring/intake.js";
import { CaptureSequence } from "./capture-sequence.js";
import type { FlightRecorder, FlightResult, FlightStopReason, FlightTrigger } from "./flight-recorder.js";
import { FLIGHT_TRANSITIONS, type FlightEvent, type FlightState } from "./flight-state.js";
import { DEFAULT_RING_BYTES } from "./option-values.js";
import {
  aTrigger,
  DEFAULT_AFTER_MS,
  DEFAULT_BEFORE_MS,
  DEFAULT_MAX_PER_MINUTE,
  type FlightOptions,
} from "./options.js";
import { Pacing } from "./pacing.js";
import { scopeOf } from "./scope.js";
import { type FlightStats, PacketCounts, statsOf } from "./stats.js";
import { createPacketTrigger, type PacketTrigger, readEventTriggers, timeUsOf } from "./trigger/triggers.js";
import type { FlightWindow } from "./windows.js";

/** Yield to the event loop after this many batches. Otherwise a source that never waits would block it. */
const BATCHES_PER_TURN = 32;
const MAX_REQUESTS = 10_000;

/** The loop of one flight recorder: moves packets into the ring, and from there to the captures. */
export class FlightRun {
  readonly #source: PacketSource;
  readonly #options: FlightOptions;
  readonly #clock: Clock;
  readonly #counts = new PacketCounts();
  readonly #intake: Intake;
  readonly #ring: CaptureRing;
  readonly #captures: CaptureSequence;
  readonly #packetTrigger: PacketTrigger | undefined;
  readonly #ringDurationUs: number;
  /** Which layers of packets the scopes describe. */
  readonly #located: LocateOptions;
  readonly #droppedBefore: number;
  readonly #waits = new InterruptibleWait();
  /** Windows of triggers outside the loop, at most {@link MAX_REQUESTS}. */
  readonly #requests: FlightWindow[] = [];
  #requestsDiscarded = 0;
  #state: FlightState = { name: "recording" };
  readonly #pacing: Pacing | undefined;
  #eventsFailure: { readonly error: unknown } | undefined;

  constructor(source: PacketSource, options: FlightOptions) {
    this.#source = source;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#intake = createIntake(source, options.ringBytes ?? DEFAULT_RING_BYTES, (unmarked) => {
      this.#counts.inRing -= unmarked;
      this.#counts.expired += unmarked;
    });
    this.#ring = this.#intake.ring;
    this.#captures = new CaptureSequence({
      source,
      ring: this.#ring,
      counts: this.#counts,
      clock: this.#clock,
      waits: this.#waits,
      openSink: options.sink,
      onCapture: options.onCapture,
      maxPerMinute: options.maxPerMinute ?? DEFAULT_MAX_PER_MINUTE,
      onSilence: () => this.#waits.leave(),
    });
    const { trigger, events } = options;
    this.#packetTrigger =
      trigger === undefined || events !== undefined ? undefined : createPacketTrigger(trigger, options);
    const { paced = false, afterMs = DEFAULT_AFTER_MS, skewMs = 0 } = options;
    this.#pacing = paced && events !== undefined ? new Pacing((afterMs + skewMs) * 1000) : undefined;
    this.#ringDurationUs = (options.ringDurationMs ?? Number.POSITIVE_INFINITY) * 1000;
    const { tunnels } = options.flow ?? {};
    this.#located = tunnels === undefined ? {} : { tunnels };
    this.#droppedBefore = source.stats().dropped;
  }

  start(): FlightRecorder {
    const stopped = this.#run();
    // Prevent an unhandled rejection while the caller still triggers captures.
    stopped.catch(() => {});
    const currentStats = () => this.#stats();
    return {
      trigger: (cause = {}) => {
        checkArgument("trigger", "cause", cause, aTrigger);
        this.#request(cause);
      },
      stop: () => this.#stop("requested"),
      stopped,
      get stats() {
        return currentStats();
      },
    };
  }

  #stats(): FlightStats {
    if (this.#state.name === "ended") return this.#state.stats;
    const lostInKernel = this.#source.stats().dropped - this.#droppedBefore;
    return statsOf(this.#counts, this.#ring, this.#captures.counts, lostInKernel, this.#requestsDiscarded);
  }

  /** Returns whether the event changes the state. */
  #apply(event: FlightEvent): boolean {
    const before = this.#state;
    this.#state = nextState(FLIGHT_TRANSITIONS, before, event);
    return this.#state !== before;
  }

  #stop(reason: FlightStopReason): void {
    if (!this.#apply({ name: "stop", reason })) return;
    this.#source.stop?.();
    this.#pacing?.endEvents();
    this.#waits.leave();
  }

  /** Leaves the window of a trigger to the loop. */
  #request(cause: FlightTrigger): void {
    if (this.#state.name !== "recording") return;
    if (this.#requests.length >= MAX_REQUESTS) {
      this.#requestsDiscarded++;
      return;
    }
    const { skewMs = 0, scope = "all" } = this.#options;
    const timeUs = timeUsOf(cause) ?? this.#clock.now() * 1000;
    const { fromUs, toUs } = this.#spanOf(timeUs);
    const skewUs = skewMs * 1000;
    this.#requests.push({
      fromUs: fromUs - skewUs,
      toUs: toUs + skewUs,
      scope: scopeOf(cause.flow, scope, this.#located),
    });
    this.#waits.leave();
  }

  #spanOf(timeUs: number): { readonly fromUs: number; readonly toUs: number } {
    const { beforeMs = DEFAULT_BEFORE_MS, afterMs = DEFAULT_AFTER_MS } = this.#options;
    return { fromUs: timeUs - beforeMs * 1000, toUs: timeUs + afterMs * 1000 };
  }

  async #run(): Promise<FlightResult> {
    const { signal, events, trigger, filter = {} } = this.#options;
    const removeListener = onAbort(signal, () => this.#waits.fail(signal?.reason));
    let leaveEvents = () => {};
    try {
      signal?.throwIfAborted();
      if (events !== undefined && trigger !== undefined) {
        leaveEvents = readEventTriggers(events, trigger, filter, {
          onEvent: (timeUs) => this.#pacing?.eventAt(timeUs),
          onTrigger: (cause) => this.#request(cause),
          onEnd: (failure) => this.#endEvents(failure),
        });
      }
      await this.#pump();
      if (this.#pacing !== undefined) await this.#waits.for(this.#pacing.endPackets());
      await this.#end();
      if (this.#eventsFailure !== undefined) throw this.#eventsFailure.error;
      const reason = this.#state.name === "stopping" ? this.#state.reason : "source_end";
      const stats = this.#stats();
      this.#apply({ name: "end", stats });
      return { reason, stats };
    } catch (error) {
      // Write what a failed source has yielded before. A signal does not wait for it.
      if (this.#waits.hasFailed) await this.#captures.abort();
      else await this.#end().catch(() => this.#captures.abort());
      throw error;
    } finally {
      leaveEvents();
      removeListener();
      if (this.#state.name !== "ended") this.#apply({ name: "end", stats: this.#stats() });
      this.#intake.close();
    }
  }

  #endEvents(failure: { readonly error: unknown } | undefined): void {
    this.#pacing?.endEvents();
    if (failure === undefined) return;
    this.#eventsFailure ??= failure;
    this.#stop("requested");
  }

  /** Ends the current capture with the packets that have arrived. */
  async #end(): Promise<void> {
    while (this.#requests.length > 0) {
      await this.#takeRequests();
      if (this.#requests.length > 0) await this.#complete(this.#ring.end);
    }
    const isRequested = this.#state.name === "stopping";
    await this.#captures.finish(this.#ring.end, isRequested ? "requested" : "source_end");
  }

  /** Moves packets from the source into the ring and into captures until the source ends. */
  async #pump(): Promise<void> {
    const intake = this.#intake;
    let next: ReturnType<typeof intake.next>;
    let isPending = false;
    try {
      for (let batchCount = 1; !this.#isLeaving(); batchCount++) {
        await this.#takeRequests();
        const written = this.#captures.step();
        if (written !== undefined) await written;
        const pace = isPending ? undefined : this.#pacing?.beforePackets(this.#ring.latestUs);
        if (pace !== undefined && this.#state.name === "recording") {
          if (!this.#hasRequests()) await this.#waits.orLeave(pace);
          continue;
        }
        if (!isPending) next = intake.next();
        isPending = next instanceof Promise;
        // After `next`, which may run code of the caller.
        if (isPending && this.#hasRequests()) continue;
        const arrival = next instanceof Promise ? await this.#waits.orLeave(this.#unlessBehind(next)) : next;
        if (arrival === LEFT) continue;
        isPending = false;
        if (arrival === undefined) return;
        await this.#accept(arrival);
        if (batchCount % BATCHES_PER_TURN === 0 && this.#clock.turn !== undefined) {
          await this.#waits.for(this.#clock.turn());
        }
      }
    } catch (error) {
      // Not awaited, as the source may never answer. The first error matters more than one from closing the iteration.
      intake.leave().catch(() => {});
      throw error;
    }
    const leaving = intake.leave();
    if (isPending) leaving.catch(() => {});
    else await this.#waits.for(leaving);
  }

  /** Whether to read no further batch. A source with `stop` ends by itself once it has yielded all received packets. */
  #isLeaving(): boolean {
    return this.#state.name === "stopping" && this.#source.stop === undefined;
  }

  /** Whether there is something to do before the next batch. */
  #hasRequests(): boolean {
    const { current, isSilent } = this.#captures;
    const isReady = this.#requests.some(
      (window) => current === undefined || current.windows.overlaps(window),
    );
    return isReady || isSilent || this.#isLeaving();
  }

  /** While packets of the past remain to be written, waits for the next batch no longer than a turn of the event loop. */
  #unlessBehind(next: Promise<Arrival | undefined>): Promise<Arrival | undefined | typeof LEFT> {
    if (!this.#captures.isBehind) return next;
    const turn = this.#clock.turn?.() ?? Promise.resolve();
    return Promise.race([next, turn.then((): typeof LEFT => LEFT)]);
  }

  /** Applies the triggers outside the loop, and ends a capture for which no packets arrive. */
  async #takeRequests(): Promise<void> {
    const { afterMs = DEFAULT_AFTER_MS, skewMs = 0 } = this.#options;
    for (;;) {
      const { current } = this.#captures;
      const ready = this.#requests.findIndex(
        (window) => current === undefined || current.windows.overlaps(window),
      );
      if (ready >= 0) {
        const [window] = this.#requests.splice(ready, 1);
        if (window === undefined) return;
        // A capture that begins searches the whole ring, which may still hold packets that are too old.
        if (current === undefined) await this.#expireOld(true);
        await this.#captures.add(window, afterMs + skewMs);
      } else if (this.#isPast() || this.#captures.isSilent) {
        // The packets that have arrived are searched. Those that arrive later are too late for a window in the past.
        await this.#complete(this.#ring.end);
      } else {
        // What is left are windows after the running capture, which ends first.
        return;
      }
    }
  }

  #isPast(): boolean {
    const { current } = this.#captures;
    if (current === undefined) return false;
    // With pacing, an event that extends the capture may still come.
    return (
      Math.min(this.#ring.latestUs, this.#pacing?.eventsUs ?? Number.POSITIVE_INFINITY) > current.windows.toUs
    );
  }

  #complete(limit: number): Promise<void> {
    return this.#captures.finish(limit, "complete");
  }

  async #accept(arrival: Arrival): Promise<void> {
    this.#captures.notePackets();
    for (let count = arrival.part(); count !== undefined; count = arrival.part()) {
      if (count === 0) {
        // Larger than the ring.
        this.#counts.seen++;
        this.#counts.expired++;
        arrival.skip();
        continue;
      }
      const { current } = this.#captures;
      if (current !== undefined && !arrival.keepsFrom(current.cursor)) await this.#captures.catchUp();
      const begin = arrival.append(this.#clock.now() * 1000);
      this.#counts.seen += count;
      this.#counts.inRing += count;
      this.#pacing?.packetsUpTo(this.#ring.latestUs);
      if (current !== undefined || this.#packetTrigger !== undefined)
        await this.#watch(arrival, count, begin);
      if (this.#ringDurationUs !== Number.POSITIVE_INFINITY) await this.#expireOld(current !== undefined);
    }
  }

  /** Ends a capture at the first packet after its windows, and tests whether each packet is a trigger. */
  async #watch(arrival: Arrival, count: number, begin: number): Promise<void> {
    const ring = this.#ring;
    const run = ring.runAt(begin);
    let position = begin;
    for (let index = 0; index < count; index++) {
      const timeUs = ring.timeAt(position, run);
      const { current } = this.#captures;
      if (current !== undefined && timeUs > current.windows.toUs && this.#pacing === undefined) {
        await this.#complete(position);
      }
      const flow = this.#packetTrigger && arrival.testAt(index, position, this.#packetTrigger);
      if (flow !== undefined) {
        const { scope = "all", afterMs = DEFAULT_AFTER_MS } = this.#options;
        await this.#captures.add(
          { ...this.#spanOf(timeUs), scope: scopeOf(flow, scope, this.#located) },
          afterMs,
        );
      }
      position += ring.lengthAt(position);
    }
  }

  /** Lets packets expire by their age; those that a capture wants are written before. */
  async #expireOld(isExact: boolean): Promise<void> {
    const oldestUs = this.#ring.latestUs - this.#ringDurationUs;
    if ((this.#ring.oldestUs ?? Number.POSITIVE_INFINITY) >= oldestUs) return;
    await this.#captures.catchUp();
    this.#ring.expireOlder(oldestUs, isExact);
  }
}
