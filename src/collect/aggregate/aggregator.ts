import { create, toBinary } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { aMessage, aUint8Array, either } from "../../errors/value-checks.js";
import type { FlowEnvelope } from "../../filter/index.js";
import { type Aggregate, AggregateSchema, type Flow } from "../../gen/flow/flow_pb.js";
import { GetFlowsResponseSchema } from "../../gen/observer/observer_pb.js";
import { decodeGetFlowsResponse } from "../../message/decode-response.js";
import { type FieldTree, fieldTree } from "../../message/field-tree.js";
import { compileFieldMask, type FieldMask } from "../../observer/field-mask.js";
import { isTime, millisecondsOf } from "../address-book/time.js";
import { createFlowReader, type FlowReader, withAggregate } from "./encoded-event.js";
import { countFlow, type DirectionCounts, type Group, Groups, newGroup } from "./groups.js";
import { compileFlowKey, type FlowKey } from "./key.js";
import { AGGREGATOR_OPTIONS, DEFAULT_MAX_GROUPS, type FlowAggregatorOptions } from "./options.js";

/** An event that can be aggregated: a message, or an encoded GetFlowsResponse. */
export type AggregatedEvent = FlowEnvelope | Uint8Array;

/** Counts of an aggregator. */
export interface FlowAggregatorStats {
  /** Flows that were added. */
  readonly flows: number;
  /** Groups that are in memory now. */
  readonly groups: number;
  /** Groups that were returned. */
  readonly written: number;
  /** Of these, how many were returned early because of `maxGroups`; others of the same fields may follow. */
  readonly early: number;
}

/** The flows of a group so far. */
export interface FlowGroup<E extends AggregatedEvent = AggregatedEvent> {
  /** The event with the first flow, as it was added; of encoded ones a copy. */
  readonly first: E;
  /** How many flows there were by `traffic_direction`. */
  readonly ingress: number;
  readonly egress: number;
  readonly unknown: number;
}

/** Aggregates flows. All methods are synchronous. */
export interface FlowAggregator<E extends AggregatedEvent = AggregatedEvent> {
  /**
   * Adds an event. Returns what must be written before anything that is added later: an event that is not a flow, and
   * groups that end early. Usually nothing. Encoded flows are copied; a message must not change until its group ends.
   *
   * @throws FlowscribeError `malformed_message` if the bytes are not a valid GetFlowsResponse; damage in fields that are
   *   not aggregated may go unnoticed. TypeError for other values.
   */
  add(event: E): readonly E[];
  /**
   * Ends all groups. Returns an event for each, in the order in which the groups began: its first flow with `aggregate`,
   * the number of its flows by direction.
   */
  flush(): E[];
  /** The groups so far, which do not end, in the order in which they began. Read it before anything else is called. */
  groups(): Iterable<FlowGroup<E>>;
  readonly stats: FlowAggregatorStats;
}

/**
 * Creates an aggregator of flows that works like the exporter of Hubble 1.19 with `fieldAggregate`. Flows of which the
 * given fields are equal form a group, of which one event is written. It has the first flow as it came (or with the fields
 * only), and in `aggregate` how many flows there were by direction. A flow that has counts in `aggregate` counts as those
 * flows, so that aggregating twice gives the same counts as aggregating once.
 *
 * Fields are equal if a field mask leaves the same bytes of both flows: lists in the same order, messages as a whole.
 *
 * @throws OptionsError with every path that a flow does not have.
 *
 * @example
 * const aggregator = createFlowAggregator({ fields: ["source.pod_name", "destination.pod_name"] });
 * for (const event of events) write(aggregator.add(event));
 * write(aggregator.flush());
 */
export function createFlowAggregator<E extends AggregatedEvent = AggregatedEvent>(
  options: FlowAggregatorOptions,
): FlowAggregator<E> {
  checkOptions("createFlowAggregator", options, AGGREGATOR_OPTIONS);
  return new GroupingAggregator(options);
}

const AN_EVENT = either(
  isUint8Array,
  aUint8Array,
  aMessage<FlowEnvelope>("observer.GetFlowsResponse", "observer.ExportEvent"),
);

const NOTHING: readonly never[] = Object.freeze([]);

class GroupingAggregator<E extends AggregatedEvent> implements FlowAggregator<E> {
  readonly #groups = new Groups<E>();
  readonly #keyOf: FlowKey;
  readonly #tree: FieldTree;
  /** Created for the first encoded event. */
  #read: FlowReader | undefined;
  readonly #mask: FieldMask | undefined;
  readonly #maxGroups: number;
  readonly #endsOldest: boolean;
  readonly #flowInterval: number;
  /** The time of the first flow since the groups ended; NaN before it. */
  #since = Number.NaN;
  #flows = 0;
  #written = 0;
  #early = 0;

  constructor({ fields, keep, maxGroups, whenFull, flowIntervalMs }: FlowAggregatorOptions) {
    const keys = fields.filter((path) => path !== "time" && !path.startsWith("time."));
    // None of the paths is empty.
    const tree = fieldTree(keys) as FieldTree;
    this.#keyOf = compileFlowKey(tree);
    this.#tree = {
      ...tree,
      traffic_direction: true,
      aggregate: true,
      ...(flowIntervalMs !== undefined && { time: true }),
    };
    this.#mask = keep === "fields" ? compileFieldMask([...keys, "time"]) : undefined;
    this.#maxGroups = maxGroups ?? DEFAULT_MAX_GROUPS;
    this.#endsOldest = whenFull !== "new";
    this.#flowInterval = flowIntervalMs ?? Number.POSITIVE_INFINITY;
  }

  get stats(): FlowAggregatorStats {
    return {
      flows: this.#flows,
      groups: this.#groups.size,
      written: this.#written,
      early: this.#early,
    };
  }

  add(event: E): readonly E[] {
    const flow = this.#flowOf(event);
    if (flow === undefined) return [event];
    const ended = this.#flowInterval === Number.POSITIVE_INFINITY ? NOTHING : this.#endInterval(flow);
    const key = this.#keyOf(flow);
    this.#flows++;
    const group = this.#groups.find(key);
    if (group !== undefined) {
      countFlow(group, flow);
      return ended;
    }
    // The cast is true: a copy of bytes is bytes. `slice` of a Buffer would not copy them.
    const first = isUint8Array(event) ? (new Uint8Array(event) as Uint8Array as E) : event;
    const begun = newGroup(key, first);
    countFlow(begun, flow);
    const early = this.#groups.size >= this.#maxGroups ? this.#endEarly(begun) : undefined;
    if (early !== begun) this.#groups.add(begun);
    return early === undefined ? ended : [this.#write(early)];
  }

  flush(): E[] {
    this.#since = Number.NaN;
    return this.#groups.removeAll().map((group) => this.#write(group));
  }

  groups(): Iterable<FlowGroup<E>> {
    return this.#groups;
  }

  /** Returns the group that ends because a further one begins. */
  #endEarly(begun: Group<E>): Group<E> {
    this.#early++;
    return (this.#endsOldest ? this.#groups.removeOldest() : undefined) ?? begun;
  }

  #endInterval({ time }: Flow): readonly E[] {
    const at = time === undefined ? Number.NaN : millisecondsOf(time);
    if (!isTime(at)) return NOTHING;
    const ended = at - this.#since >= this.#flowInterval ? this.flush() : NOTHING;
    if (Number.isNaN(this.#since)) this.#since = at;
    return ended;
  }

  #flowOf(event: E): Flow | undefined {
    if (isUint8Array(event)) {
      this.#read ??= createFlowReader(this.#tree);
      return this.#read(event);
    }
    const responseTypes = event?.responseTypes as FlowEnvelope["responseTypes"] | undefined;
    if (responseTypes === undefined) checkArgument("add", "event", event, AN_EVENT);
    return responseTypes?.case === "flow" ? responseTypes.value : undefined;
  }

  #write({ first, ...counts }: Group<E>): E {
    this.#written++;
    const aggregate = toAggregate(counts);
    // The casts are true: a message or bytes with an aggregate have the same type.
    if (!isUint8Array(first)) return this.#withAggregate(first, aggregate) as E;
    if (this.#mask === undefined) return withAggregate(first, aggregate) as E;
    const event = this.#withAggregate(decodeGetFlowsResponse(first), aggregate);
    return toBinary(GetFlowsResponseSchema, event) as E;
  }

  #withAggregate<Event extends FlowEnvelope>(event: Event, aggregate: Aggregate): Event {
    const kept = this.#mask === undefined ? event : this.#mask(event);
    // Only flows form groups.
    const flow = kept.responseTypes.value as Flow;
    return { ...kept, responseTypes: { case: "flow", value: { ...flow, aggregate } } };
  }
}

function toAggregate({ ingress, egress, unknown }: DirectionCounts): Aggregate {
  return create(AggregateSchema, {
    ingressFlowCount: ingress,
    egressFlowCount: egress,
    unknownDirectionFlowCount: unknown,
  });
}
