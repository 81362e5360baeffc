import { aClock, type Clock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import { optionsOf } from "../../errors/check-options.js";
import {
  aDate,
  aFunction,
  aListOf,
  aNumberFrom,
  anInteger,
  aPositiveNumber,
  aSignal,
  aString,
  checkedElsewhere,
  required,
  withMethods,
} from "../../errors/value-checks.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "../../filter/filter-options.js";
import type { FlowFilterLists } from "../../filter/index.js";
import type { EventSource } from "../../observer/events/event-source.js";
import type { FlowSink } from "../../observer/events/flow-sink.js";
import { AGGREGATOR_OPTIONS, type FlowAggregatorOptions } from "../aggregate/options.js";
import type { CheckpointStore } from "./checkpoint.js";
import { type Redaction, redactionCheck } from "./redact.js";

/** An output of a collector: which events it gets, in which form, and where they go. */
export interface CollectOutput extends FlowFilterLists {
  /** Identifies the output in statistics and reports; unique. */
  readonly name: string;
  /** Where the events go. `collect` neither opens nor closes it. */
  readonly sink: FlowSink;
  /** Flow field paths, as for `compileFieldMask`: all others are left out. Empty or absent: whole events. */
  readonly fieldMask?: readonly string[];
  /**
   * Writes one event for the flows of which these fields are equal, as `createFlowAggregator` does, at every interval and
   * at the end. Flows count as delivered when the event of their group is written.
   */
  readonly aggregate?: OutputAggregation;
  /** No event is written from this time on, as with `end` of Hubble's dynamic exporter; later ones count as filtered. */
  readonly end?: Date;
  /** What is removed from HTTP and Kafka requests before the events leave this process. */
  readonly redact?: Redaction;
}

/** How an output aggregates flows. */
export interface OutputAggregation extends Pick<FlowAggregatorOptions, "fields" | "keep" | "maxGroups"> {
  /** How often the groups are written and begin anew, in milliseconds. */
  readonly intervalMs: number;
}

/** How often a failed write is repeated. */
export interface RetryOptions {
  /** The delay before the first repetition; it doubles with each further one. Default 500. */
  readonly initialDelayMs?: number;
  /** The maximum delay. Default 30,000. */
  readonly maxDelayMs?: number;
  /** How many attempts are made before `collect` fails; without limit by default. */
  readonly maxAttempts?: number;
}

/** Something that a program may want to log. Nothing is lost unless it says so. */
export type CollectReport =
  | {
      /** A sink has failed; the same events are passed to it again after `delayMs`. */
      readonly kind: "retry";
      readonly output: string;
      readonly error: unknown;
      readonly attempt: number;
      readonly delayMs: number;
    }
  | {
      /** An event that a sink refuses for good, or that cannot be decoded. It is lost if there is no dead-letter sink. */
      readonly kind: "refused";
      readonly output: string;
      readonly reason: string;
      readonly isLost: boolean;
    }
  | {
      /** The source could not be closed; everything was written before. */
      readonly kind: "close";
      readonly error: unknown;
    }
  | {
      /** A checkpoint could not be saved; the next one is tried as usual. */
      readonly kind: "checkpoint";
      readonly error: unknown;
    };

/** Options of `collect`. */
export interface CollectOptions extends FlowFilterLists, FlowFilterOptions {
  /** At least one. Every event goes to each output whose filter lists accept it. */
  readonly outputs: readonly CollectOutput[];
  /** Where to resume after a restart. Without it, collecting begins anew each time, unless the source remembers. */
  readonly checkpoint?: CheckpointStore;
  /** The minimum time between two checkpoints; default 1,000. */
  readonly checkpointIntervalMs?: number;
  /** Gets the events that another sink refuses for good, and those that cannot be decoded. */
  readonly deadLetter?: FlowSink;
  /** The maximum number of events that are passed to a sink at once, except for a larger batch of the source; default 1,000. */
  readonly maxBatchEvents?: number;
  /**
   * How many events may wait for the groups of outputs that aggregate: beyond, all groups are written before their interval
   * is over. Default 50,000.
   */
  readonly maxUnacknowledgedEvents?: number;
  /** How many events may wait for the sinks before the source is made to wait; default 10,000. */
  readonly maxWaitingEvents?: number;
  readonly retry?: RetryOptions;
  /** How long `stop` may take, in milliseconds; default 10,000. */
  readonly stopTimeoutMs?: number;
  /** Called with what a program may want to log. It must not throw. */
  readonly onReport?: (report: CollectReport) => void;
  /** Cancels: `stopped` rejects with its reason. What was not acknowledged is read again next time. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export const aSink = withMethods<FlowSink>("a sink with `write` and `flush`", "write", "flush");
export const anEventSource = withMethods<EventSource>("an event source with `read`", "read");

const AGGREGATION: OptionTable<OutputAggregation> = {
  fields: AGGREGATOR_OPTIONS.fields,
  keep: AGGREGATOR_OPTIONS.keep,
  maxGroups: AGGREGATOR_OPTIONS.maxGroups,
  intervalMs: required(aPositiveNumber),
};

const OUTPUT: OptionTable<CollectOutput> = {
  name: required(aString),
  sink: required(aSink),
  // The compile functions check these three.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  fieldMask: checkedElsewhere,
  aggregate: optionsOf<OutputAggregation>("aggregate", AGGREGATION),
  end: aDate,
  redact: redactionCheck,
};

const RETRY: OptionTable<RetryOptions> = {
  initialDelayMs: aNumberFrom(0),
  maxDelayMs: aNumberFrom(0),
  maxAttempts: anInteger(1),
};

export const COLLECT_OPTIONS: OptionTable<CollectOptions> = {
  ...FLOW_FILTER_OPTIONS,
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  outputs: required(aListOf(optionsOf("an output", OUTPUT))),
  checkpoint: withMethods<CheckpointStore>("a checkpoint with `load` and `save`", "load", "save"),
  checkpointIntervalMs: aNumberFrom(0),
  deadLetter: aSink,
  maxBatchEvents: anInteger(1),
  maxUnacknowledgedEvents: anInteger(1),
  maxWaitingEvents: anInteger(1),
  retry: optionsOf("retry", RETRY),
  stopTimeoutMs: aNumberFrom(0),
  onReport: aFunction,
  signal: aSignal,
  clock: aClock,
};

export const DEFAULT_BATCH_EVENTS = 1000;
export const DEFAULT_UNACKNOWLEDGED_EVENTS = 50_000;
export const DEFAULT_WAITING_EVENTS = 10_000;
export const DEFAULT_CHECKPOINT_INTERVAL_MS = 1000;
export const DEFAULT_STOP_TIMEOUT_MS = 10_000;
