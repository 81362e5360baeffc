import { systemClock } from "../../async/clock.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { copyBatch, type PacketBatch, sliceBatch } from "../../packet/batch.js";
import { type BatchReader, type Pull, readBatches } from "../../packet/source/batch-reader.js";
import { createSource } from "../../packet/source/create-source.js";
import { aSource, type PacketSource } from "../../packet/source.js";
import { InterruptibleWait, LEFT } from "../interruptible-wait.js";
import { PacketRing } from "../ring/packet-ring.js";
import { SliceReader } from "../ring/slice-reader.js";
import type { FlightTrigger } from "./flight-recorder.js";
import { DEFAULT_RING_BYTES } from "./option-values.js";
import { aTrigger, DEFAULT_BEFORE_MS, FLIGHT_OPTIONS, type FlightOptions } from "./options.js";
import { checkTrigger } from "./trigger/check-trigger.js";
import { createPacketTrigger, type PacketTrigger, readEventTriggers, timeUsOf } from "./trigger/triggers.js";

/** What triggers a source, and what it yields of the time before. The options are those of a flight recorder. */
export type TriggeredSourceOptions = Pick<
  FlightOptions,
  "trigger" | "events" | "beforeMs" | "skewMs" | "ringBytes" | "flow" | "filter" | "clock"
>;

/** A source that yields no packets until a trigger. */
export interface TriggeredSource extends PacketSource {
  /** Triggers the source, as a flow that passes the filters does. Has no effect after the first trigger. */
  trigger(cause?: FlightTrigger): void;
  /** Resolves at the trigger; stays pending if the source ends before. */
  readonly triggered: Promise<void>;
}

const { trigger, events, beforeMs, skewMs, ringBytes, flow, filter, clock } = FLIGHT_OPTIONS;
const TRIGGERED_OPTIONS: OptionTable<TriggeredSourceOptions> = {
  trigger,
  events,
  beforeMs,
  skewMs,
  ringBytes,
  flow,
  filter,
  clock,
};

/**
 * Delays a source until a trigger: it then yields the packets of the last `beforeMs`, as far as they fit into a ring in
 * memory, and every later packet. Disposing of it disposes of the other source as well.
 *
 * `record` counts the bytes, packets and time of a stop condition from the trigger on. As the source of a Recorder
 * service, it makes each recording wait for its trigger:
 *
 * @example
 * ```ts
 * const service = createRecorderService({
 *   nodeName: "node-1",
 *   openSink: fileSink("/var/captures"),
 *   openSource: async ({ include }, { signal }) =>
 *     createTriggeredSource(await openLibpcap("eth0", { include, signal }), {
 *       trigger: { allow: [{ tcpFlags: [{ RST: true }] }] },
 *       beforeMs: 2000,
 *     }),
 * });
 * ```
 *
 * @throws OptionsError; FilterError with every fault of `trigger`; TypeError if `source` is not a packet source.
 */
export function createTriggeredSource(
  source: PacketSource,
  options: TriggeredSourceOptions = {},
): TriggeredSource {
  checkArgument("createTriggeredSource", "source", source, aSource);
  checkOptions("createTriggeredSource", options, TRIGGERED_OPTIONS);
  checkTrigger(options);
  const delayed = new DelayedBatches(source, options);
  const { stop } = source;
  const created = createSource({
    interfaces: source.interfaces,
    filtered: source.filtered,
    pull: () => delayed.pull(),
    copy: copyBatch,
    dropped: () => source.stats().dropped,
    ...(stop !== undefined && { stop: () => stop.call(source) }),
    leave: () => delayed.leave(),
    close: async () => {
      delayed.leaveEvents();
      await source[Symbol.asyncDispose]();
    },
  });
  return Object.assign(created, {
    triggered: delayed.triggered,
    trigger: (cause: FlightTrigger = {}) => {
      checkArgument("trigger", "cause", cause, aTrigger);
      delayed.trigger(cause);
    },
  });
}

/** The first packet of a batch that is a trigger, and its flow. */
function firstTrigger(
  batch: PacketBatch,
  isTrigger: PacketTrigger,
): { readonly index: number; readonly flow: Flow } | undefined {
  for (let index = 0; index < batch.length; index++) {
    const flow = isTrigger(batch, index);
    if (flow !== undefined) return { index, flow };
  }
  return undefined;
}

class DelayedBatches {
  readonly #source: PacketSource;
  readonly #options: TriggeredSourceOptions;
  readonly #waits = new InterruptibleWait();
  readonly triggered: Promise<void>;
  #resolveTriggered: () => void = () => {};
  #reader: BatchReader | undefined;
  /** A batch of the source that was requested before the trigger. */
  #pending: Promise<PacketBatch | undefined> | undefined;
  /** The packets of a batch from the trigger on. */
  #rest: PacketBatch | undefined;
  /** Holds the packets before the trigger; undefined once they have been yielded. */
  #ring: PacketRing | undefined;
  /** The time from which packets are yielded, in microseconds since 1970; undefined before the trigger. */
  #fromUs: number | undefined;
  #slices: SliceReader | undefined;
  #position = 0;
  leaveEvents: () => void = () => {};

  constructor(source: PacketSource, options: TriggeredSourceOptions) {
    this.#source = source;
    this.#options = options;
    this.triggered = new Promise((resolve) => {
      this.#resolveTriggered = resolve;
    });
  }

  trigger(cause: FlightTrigger): void {
    const { clock: ownClock = systemClock } = this.#options;
    this.#begin((timeUsOf(cause) ?? ownClock.now() * 1000) - this.#beforeUs);
  }

  get #beforeUs(): number {
    const { beforeMs: ownBeforeMs = DEFAULT_BEFORE_MS, skewMs: ownSkewMs = 0 } = this.#options;
    return (ownBeforeMs + ownSkewMs) * 1000;
  }

  #begin(fromUs: number): void {
    if (this.#fromUs !== undefined) return;
    this.#fromUs = fromUs;
    this.leaveEvents();
    this.#resolveTriggered();
    this.#waits.leave();
  }

  pull(): ReturnType<Pull> {
    if (this.#reader === undefined) this.#open();
    if (this.#fromUs === undefined) return this.#await();
    return this.#fromRing(this.#fromUs) ?? this.#next();
  }

  #open(): void {
    this.#reader = readBatches(this.#source);
    this.#ring = new PacketRing(this.#options.ringBytes ?? DEFAULT_RING_BYTES, () => {});
    const { trigger: lists, events: ownEvents, filter: filterOptions = {} } = this.#options;
    if (lists === undefined || ownEvents === undefined || this.#fromUs !== undefined) return;
    this.leaveEvents = readEventTriggers(ownEvents, lists, filterOptions, {
      onEvent: () => undefined,
      onTrigger: (cause) => this.trigger(cause),
      onEnd: (failure) => {
        if (failure !== undefined && this.#fromUs === undefined) this.#waits.fail(failure.error);
      },
    });
  }

  /** Keeps packets in the ring until the trigger. */
  async #await(): Promise<PacketBatch | undefined> {
    const { trigger: lists, events: ownEvents, clock: ownClock = systemClock } = this.#options;
    const isTrigger =
      lists === undefined || ownEvents !== undefined ? undefined : createPacketTrigger(lists, this.#options);
    while (this.#fromUs === undefined) {
      this.#pending ??= Promise.resolve(this.#reader?.next());
      const batch = await this.#waits.orLeave(this.#pending);
      if (batch === LEFT) continue;
      this.#pending = undefined;
      if (batch === undefined) {
        this.leaveEvents();
        return undefined;
      }
      const arrivalUs = ownClock.now() * 1000;
      const trigger = isTrigger && firstTrigger(batch, isTrigger);
      if (trigger === undefined) {
        this.#ring?.appendAll(batch, arrivalUs);
        continue;
      }
      const { index, flow: cause } = trigger;
      if (index > 0) this.#ring?.appendAll(sliceBatch(batch, 0, index), arrivalUs);
      this.#rest = sliceBatch(batch, index, batch.length);
      this.#begin((timeUsOf({ flow: cause }) ?? arrivalUs) - this.#beforeUs);
    }
    return this.#fromRing(this.#fromUs) ?? this.#next();
  }

  /** The next packets of the ring from a time on; undefined if there are no more. */
  #fromRing(fromUs: number): PacketBatch | undefined {
    const ring = this.#ring;
    if (ring === undefined) return undefined;
    if (this.#slices === undefined) {
      this.#slices = new SliceReader(ring);
      this.#position = ring.begin;
    }
    for (let from = ring.firstFrom(this.#position); from < ring.end; ) {
      const { batch, end } = this.#slices.read(from, ring.end, (at, run) => ring.timeAt(at, run) >= fromUs);
      this.#position = end;
      if (batch !== undefined) return batch;
      from = ring.firstFrom(end);
    }
    // Its memory is not needed any more.
    this.#ring = undefined;
    this.#slices = undefined;
    return undefined;
  }

  #next(): ReturnType<Pull> {
    const batch = this.#rest ?? this.#pending ?? this.#reader?.next();
    if (this.#rest === undefined) this.#pending = undefined;
    this.#rest = undefined;
    if (this.#reader?.writable !== false) return batch;
    // This source lets its reader overwrite batches, the other one does not.
    return batch instanceof Promise ? batch.then((own) => own && copyBatch(own)) : batch && copyBatch(batch);
  }

  async leave(): Promise<void> {
    this.leaveEvents();
    const leaving = this.#reader?.leave();
    // A source with a pending read may never settle this.
    if (this.#pending !== undefined) leaving?.catch(() => {});
    else await leaving;
  }
}
