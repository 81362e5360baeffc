import type { Aggregate, Flow } from "../../gen/flow/flow_pb.js";
import { TrafficDirection } from "../../gen/flow/flow_pb.js";

/** How many flows of each direction there were: the fields of an Aggregate. */
export interface DirectionCounts {
  ingress: number;
  egress: number;
  unknown: number;
}

/** A group of equal flows. */
export interface Group<E> extends DirectionCounts {
  readonly key: string;
  /** The event with the first flow, as it was added. */
  readonly first: E;
  /** The group that began next. */
  next: Group<E> | undefined;
}

/** Creates a group without flows. */
export function newGroup<E>(key: string, first: E): Group<E> {
  return { key, first, ingress: 0, egress: 0, unknown: 0, next: undefined };
}

/** Counts are stored in 32 bits; they stay at the maximum. */
const MAX_COUNT = 2 ** 32 - 1;

/**
 * The groups in the order in which they began: a list beside the map, because reading the first key of a Map takes the
 * longer the more keys before it were deleted.
 */
export class Groups<E> {
  readonly #byKey = new Map<string, Group<E>>();
  #oldest: Group<E> | undefined;
  #newest: Group<E> | undefined;

  get size(): number {
    return this.#byKey.size;
  }

  find(key: string): Group<E> | undefined {
    return this.#byKey.get(key);
  }

  /** Adds a group whose key is new. */
  add(group: Group<E>): void {
    this.#byKey.set(group.key, group);
    if (this.#newest === undefined) this.#oldest = group;
    else this.#newest.next = group;
    this.#newest = group;
  }

  removeOldest(): Group<E> | undefined {
    const group = this.#oldest;
    if (group === undefined) return undefined;
    this.#oldest = group.next;
    if (this.#oldest === undefined) this.#newest = undefined;
    this.#byKey.delete(group.key);
    return group;
  }

  *[Symbol.iterator](): IterableIterator<Group<E>> {
    for (let group = this.#oldest; group !== undefined; group = group.next) yield group;
  }

  /** Removes all groups. */
  removeAll(): Group<E>[] {
    const groups = [...this];
    this.#byKey.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
    return groups;
  }
}

/** Counts a flow by its direction. A flow that is the result of an aggregation counts as those that it stands for. */
export function countFlow(
  counts: DirectionCounts,
  { trafficDirection, aggregate }: Pick<Flow, "trafficDirection" | "aggregate">,
): void {
  if (aggregate !== undefined && isCounted(aggregate)) {
    counts.ingress = add(counts.ingress, aggregate.ingressFlowCount);
    counts.egress = add(counts.egress, aggregate.egressFlowCount);
    counts.unknown = add(counts.unknown, aggregate.unknownDirectionFlowCount);
  } else if (trafficDirection === TrafficDirection.INGRESS) counts.ingress = add(counts.ingress, 1);
  else if (trafficDirection === TrafficDirection.EGRESS) counts.egress = add(counts.egress, 1);
  else counts.unknown = add(counts.unknown, 1);
}

/** How many flows a flow stands for: 1 unless it is the result of an aggregation. */
export function flowCountOf({ aggregate }: Pick<Flow, "aggregate">): number {
  if (aggregate === undefined || !isCounted(aggregate)) return 1;
  const { ingressFlowCount, egressFlowCount, unknownDirectionFlowCount } = aggregate;
  return ingressFlowCount + egressFlowCount + unknownDirectionFlowCount;
}

function isCounted({ ingressFlowCount, egressFlowCount, unknownDirectionFlowCount }: Aggregate): boolean {
  return ingressFlowCount !== 0 || egressFlowCount !== 0 || unknownDirectionFlowCount !== 0;
}

function add(count: number, more: number): number {
  return Math.min(count + more, MAX_COUNT);
}
