import type { Clock } from "../../async/clock.js";
import { messageOf } from "../../errors/message.js";
import { filterOptionsOf } from "../../filter/filter-options.js";
import { compileFlowFilters, type FlowFilterOptions, type FlowPredicate } from "../../filter/index.js";
import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import type { RefusedEvent } from "../../observer/events/flow-sink.js";
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
  readonly clock: Pick<Clock, "now">;
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
  #offered = 0;
  #written = 0;
  #filtered = 0;
  #refused = 0;
  #retries = 0;
  #isRetrying = false;

  /** @throws FilterError, FieldMaskError */
  constructor(config: CollectOutput, options: FlowFilterOptions, context: OutputContext) {
    const { name, allow = [], deny = [], fieldMask = [], redact } = config;
    this.name = name;
    this.#config = config;
    this.#context = context;
    this.#passes = compileSelection({ allow, deny }, options);
    this.#transform = compileTransform(fieldMask, redact);
  }

  get stats(): OutputStats {
    return {
      offered: this.#offered,
      written: this.#written,
      filtered: this.#filtered,
      refused: this.#refused,
      retries: this.#retries,
      isRetrying: this.#isRetrying,
    };
  }

  /** Resolves when all events that the output takes are durable. Rejects if the retries are used up, or at the signal. */
  async write(events: readonly EncodedEvent[]): Promise<void> {
    const { backoff, deadLetters, signal, report } = this.#context;
    this.#offered += events.length;
    const refused: RefusedEvent[] = [];
    const taken = this.#take(events, refused);
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

  /** Resolves when everything that was written is durable. */
  flush(): Promise<void> {
    return this.#config.sink.flush();
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
        else taken.push(this.#transform === undefined ? event : this.#transform(event));
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
