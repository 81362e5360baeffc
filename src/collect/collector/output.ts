import type { Clock } from "../../async/clock.js";
import { messageOf } from "../../errors/message.js";
import { filterOptionsOf } from "../../filter/filter-options.js";
import { compileFlowFilters, type FlowFilterOptions, type FlowPredicate } from "../../filter/index.js";
import { type EncodedEvent, encodedEvent } from "../../observer/events/encoded-event.js";
import type { RefusedEvent } from "../../observer/events/flow-sink.js";
import { createFlowAggregator, type FlowAggregator } from "../aggregate/aggregator.js";
import type { Backoff } from "./backoff.js";
import { type DeadLetters, writeUntilDurable } from "./dead-letters.js";
import type { CollectOutput, CollectReport } from "./options.js";
import type { OutputStats } from "./stats.js";
import { compileTransform, type Transform } from "./transform.js";

/** What all outputs of a collector share. */
export interface OutputContext {
  readonly backoff: Backoff;
  readonly deadLetters: DeadLetters;
  readonly signal: AbortSignal;
  /** Called when the groups of an output are due. */
  readonly onDue: () => void;
  readonly clock: Clock;
  readonly report: (report: CollectReport) => void;
}

/** Selects events, changes them, and writes them until they are durable. */
export class Output {
  readonly name: string;
  readonly #config: CollectOutput;
  readonly #context: OutputContext;
  /** Undefined if every event passes. */
  readonly #passes: FlowPredicate | undefined;
  /** Undefined if the events are written as they are. */
  readonly #transform: Transform | undefined;
  /** Undefined if flows are not aggregated. */
  readonly #aggregator: FlowAggregator<Uint8Array> | undefined;
  /** Ends the interval of the groups; undefined while there are none. */
  #cancelInterval: (() => void) | undefined;
  /** Whether the groups must be written. */
  isDue = false;
  #aggregated = 0;
  #offered = 0;
  #written = 0;
  #filtered = 0;
  #refused = 0;
  #retries = 0;
  #isRetrying = false;

  /** @throws FilterError, FieldMaskError */
  constructor(config: CollectOutput, options: FlowFilterOptions, context: OutputContext) {
    const { name, allow = [], deny = [], fieldMask = [], redact, aggregate } = config;
    this.name = name;
    this.#config = config;
    this.#context = context;
    this.#passes = compileSelection({ allow, deny }, options);
    this.#transform = compileTransform(
      // The counts are the result of the aggregation.
      fieldMask.length > 0 && aggregate !== undefined ? [...fieldMask, "aggregate"] : fieldMask,
      redact,
    );
    if (aggregate === undefined) return;
    const { intervalMs: _, ...aggregation } = aggregate;
    this.#aggregator = createFlowAggregator(aggregation);
  }

  get stats(): OutputStats {
    return {
      offered: this.#offered,
      written: this.#written,
      aggregated: this.#aggregated,
      filtered: this.#filtered,
      refused: this.#refused,
      retries: this.#retries,
      isRetrying: this.#isRetrying,
    };
  }

  /** Whether flows that were passed to {@link write} wait in groups. */
  get isHolding(): boolean {
    return this.#aggregator !== undefined && this.#aggregator.stats.groups > 0;
  }

  /**
   * Resolves when all events that the output takes are durable, or in its groups. Rejects if the retries are used up, or at
   * the signal.
   */
  async write(events: readonly EncodedEvent[]): Promise<void> {
    this.#offered += events.length;
    const refused: RefusedEvent[] = [];
    const taken = this.#take(events, refused);
    const ready = this.#aggregator === undefined ? taken : this.#aggregate(taken, refused);
    await this.#deliver(ready, refused);
  }

  /** Writes the groups. Resolves when they are durable. */
  async writeGroups(): Promise<void> {
    this.endInterval();
    if (this.#aggregator === undefined) return;
    const events = this.#aggregator.flush().map(encodedEvent);
    this.#aggregated -= events.length;
    await this.#deliver(events, []);
  }

  /** Ends the interval of the groups without writing them. */
  endInterval(): void {
    this.isDue = false;
    this.#cancelInterval?.();
    this.#cancelInterval = undefined;
  }

  /** Resolves when everything that was written is durable. */
  flush(): Promise<void> {
    return this.#config.sink.flush();
  }

  async #deliver(events: readonly EncodedEvent[], refused: RefusedEvent[]): Promise<void> {
    const { backoff, deadLetters, signal, report } = this.#context;
    const taken = this.#transformed(events, refused);
    if (taken.length > 0) {
      const onReport = (one: CollectReport) => {
        if (one.kind === "retry") {
          this.#retries++;
          this.#isRetrying = true;
        }
        report(one);
      };
      const bySink = await writeUntilDurable(this.#config.sink, taken, this.name, backoff, signal, onReport);
      this.#isRetrying = false;
      this.#written += taken.length - bySink.length;
      refused.push(...bySink);
    }
    if (refused.length === 0) return;
    this.#refused += refused.length;
    await deadLetters.write(this.name, refused);
  }

  /** Adds flows to the groups. Returns what must be written now: other events, and groups that end early. */
  #aggregate(events: readonly EncodedEvent[], refused: RefusedEvent[]): EncodedEvent[] {
    const now: EncodedEvent[] = [];
    for (const event of events) {
      if (event.kind !== "flow") {
        now.push(event);
        continue;
      }
      try {
        const early = this.#aggregator!.add(event.bytes).map(encodedEvent);
        this.#aggregated += 1 - early.length;
        now.push(...early);
      } catch (error) {
        refused.push({ event, reason: messageOf(error) });
      }
    }
    if (this.isHolding) {
      this.#cancelInterval ??= this.#context.clock.setTimer(this.#config.aggregate!.intervalMs, () => {
        this.isDue = true;
        this.#context.onDue();
      });
    }
    return now;
  }

  #transformed(events: readonly EncodedEvent[], refused: RefusedEvent[]): readonly EncodedEvent[] {
    if (this.#transform === undefined) return events;
    const transformed: EncodedEvent[] = [];
    for (const event of events) {
      try {
        transformed.push(this.#transform(event));
      } catch (error) {
        refused.push({ event, reason: messageOf(error) });
      }
    }
    return transformed;
  }

  #take(events: readonly EncodedEvent[], refused: RefusedEvent[]): EncodedEvent[] {
    const taken: EncodedEvent[] = [];
    const { end } = this.#config;
    if (end !== undefined && this.#context.clock.now() >= end.getTime()) {
      this.#filtered += events.length;
      return taken;
    }
    for (const event of events) {
      try {
        if (!isSelected(event, this.#passes)) this.#filtered++;
        else taken.push(event);
      } catch (error) {
        refused.push({ event, reason: messageOf(error) });
      }
    }
    return taken;
  }
}

/** Undefined if there are no filters. */
export function compileSelection(
  { allow = [], deny = [] }: Pick<CollectOutput, "allow" | "deny">,
  options: FlowFilterOptions,
): FlowPredicate | undefined {
  if (allow.length + deny.length === 0) return undefined;
  return compileFlowFilters({ allow, deny }, filterOptionsOf(options));
}

/**
 * Whether an event passes. Lost events always do: they say that others are missing.
 *
 * @throws FlowscribeError `malformed_message`
 */
export function isSelected({ kind, bytes }: EncodedEvent, passes: FlowPredicate | undefined): boolean {
  return passes === undefined || kind === "lost_events" || passes.response(bytes);
}
