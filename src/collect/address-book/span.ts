import type { Endpoint, NetworkInterface, Service } from "../../gen/flow/flow_pb.js";

/** What is known of an address, or of an interface of a node. */
export type Fact =
  | { readonly kind: "endpoint"; readonly endpoint: Endpoint; readonly rank: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "service"; readonly port: number; readonly service: Service }
  | { readonly kind: "interface"; readonly node: string; readonly link: NetworkInterface };

export type FactKind = Fact["kind"];
export type FactOf<K extends FactKind> = Extract<Fact, { readonly kind: K }>;

/** A fact with the times of its first and last observation, in milliseconds since 1970. */
export interface Span<F extends Fact = Fact> {
  readonly fact: F;
  /** The list that contains the span; its other spans have facts of the same kind. */
  readonly spans: Span[];
  /** The address that the fact is about; undefined for interfaces. */
  readonly subject: Subject | undefined;
  from: number;
  to: number;
  /** For names: the end of the longest time to live of the observations. */
  until: number;
  /** Estimated memory. */
  bytes: number;
  /** Neighbours in the order of learning. */
  older: Span | undefined;
  newer: Span | undefined;
}

/** All that is known of one address. */
export interface Subject {
  /** The address in its canonical form. */
  readonly address: string;
  readonly endpoints: Span<FactOf<"endpoint">>[];
  readonly names: Span<FactOf<"name">>[];
  readonly services: Span<FactOf<"service">>[];
  /** The endpoint that holds the address at the latest time; kept to notice changes. */
  holder: Span<FactOf<"endpoint">> | undefined;
}

/**
 * Returns the span that holds at a time, which may be Infinity: of the endpoints of an address, of the services at one of
 * its ports, or of the names of an interface.
 *
 * Only spans that begin at or before the time count. The holder is one of those last seen within `skew` of the latest
 * observation up to the time: of the highest rank, then with the latest start, then with the latest end. The result does
 * not depend on the order of learning.
 */
export function holderAt<F extends Fact>(
  spans: readonly Span<F>[],
  time: number,
  skew: number,
  port?: number,
): Span<F> | undefined {
  let latest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < spans.length; index++) {
    const { from, to, fact } = spans[index]!;
    if (from <= time && to > latest && hasPort(fact, port)) latest = to;
  }
  const least = Math.min(latest, time) - skew;
  let holder: Span<F> | undefined;
  for (let index = 0; index < spans.length; index++) {
    const span = spans[index]!;
    if (span.from > time || span.to < least || !hasPort(span.fact, port)) continue;
    if (holder === undefined || isBefore(holder, span)) holder = span;
  }
  return holder;
}

/** The services at all ports of an address at a time. */
export function servicesAt(spans: readonly Span<FactOf<"service">>[], time: number, skew: number): Service[] {
  const byPort = new Map<number, Span<FactOf<"service">>[]>();
  for (const span of spans) {
    const { port } = span.fact;
    const others = byPort.get(port);
    if (others === undefined) byPort.set(port, [span]);
    else others.push(span);
  }
  const services: Service[] = [];
  for (const [port, own] of byPort) {
    const holder = holderAt(own, time, skew, port);
    if (holder !== undefined) services.push(holder.fact.service);
  }
  return services;
}

function hasPort(fact: Fact, port: number | undefined): boolean {
  return fact.kind !== "service" || fact.port === port;
}

/** Whether `other` goes before `span`. Facts that are equal in everything else are ordered by their content. */
function isBefore(span: Span, other: Span): boolean {
  const rank = rankOf(other.fact) - rankOf(span.fact);
  if (rank !== 0) return rank > 0;
  if (other.from !== span.from) return other.from > span.from;
  if (other.to !== span.to) return other.to > span.to;
  return contentOf(other.fact) > contentOf(span.fact);
}

function rankOf(fact: Fact): number {
  return fact.kind === "endpoint" ? fact.rank : 0;
}

/** A string that differs between any two facts of one list. */
export function contentOf(fact: Fact): string {
  let content = contents.get(fact);
  if (content === undefined) {
    content = describe(fact);
    contents.set(fact, content);
  }
  return content;
}

/** Facts of equal times are compared often while a snapshot is read. */
const contents = new WeakMap<Fact, string>();

function describe(fact: Fact): string {
  switch (fact.kind) {
    case "endpoint": {
      const { namespace, podName, identity, labels } = fact.endpoint;
      return JSON.stringify([namespace, podName, identity, labels]);
    }
    case "name":
      return fact.name;
    case "service":
      return JSON.stringify([fact.port, fact.service.namespace, fact.service.name]);
    case "interface":
      return fact.link.name;
  }
}

/** Whether a name holds at a time: from its first observation until its time to live ends. */
export function nameHolds(span: Span<FactOf<"name">>, time: number): boolean {
  return span.from <= time && time < span.until;
}

/** A moment just after a time; times of this century differ by at least a quarter of a microsecond. */
const MOMENT_MS = 0.001;

/**
 * The moments from `from` to before `to` at which the facts of an address can change, and `from`: the starts of its
 * spans, and the moments at which an endpoint or service is no longer within `skew` of the latest observation.
 */
export function momentsOf(
  { endpoints, names, services }: Subject,
  from: number,
  to: number,
  skew: number,
): number[] {
  const moments = from < to ? [from] : [];
  for (const span of [...endpoints, ...names, ...services]) {
    for (const moment of [span.from, span.to + skew + MOMENT_MS]) {
      if (moment > from && moment < to) moments.push(moment);
    }
  }
  return moments;
}
