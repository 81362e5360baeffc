import { copyOf } from "../../bytes/copy-string.js";
import type { Endpoint, NetworkInterface, Service } from "../../gen/flow/flow_pb.js";
import { formatAddress, parseAddressInto } from "../../net/index.js";
import {
  addDetails,
  endpointFact,
  isSameEndpoint,
  isUnknown,
  LabelLists,
  textLengthOf,
} from "./endpoint-fact.js";
import { type FactOf, holderAt, type Span, type Subject } from "./span.js";
import { SpanList } from "./span-list.js";

/** Maximum length of a DNS name, a service or the name of a node or interface, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 512;

export interface FactsOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly maxSkewMs: number;
  /** Called for an address whose content has changed. */
  readonly onChange: (subject: Subject) => void;
}

/** The interfaces of one node by index. Facts are in lists because an interface can be renamed. */
type NodeInterfaces = Map<number, Span<FactOf<"interface">>[]>;

/**
 * The facts of a book. Each `learn…` method extends the interval of a fact, or adds it; learning a known fact creates
 * no objects. `from` and `to` are in milliseconds since 1970. Invalid addresses and texts above the limits are counted and
 * ignored.
 */
export class Facts {
  readonly #subjects = new Map<string, Subject>();
  readonly #interfaces = new Map<string, NodeInterfaces>();
  readonly #lists = new LabelLists();
  readonly #options: FactsOptions;
  readonly spans: SpanList;
  /** The latest time that was learned, in milliseconds since 1970. */
  latest = Number.NEGATIVE_INFINITY;
  /** Addresses that could not be parsed. */
  invalidAddresses = 0;
  /** Facts that were not learned because they are too large. */
  oversized = 0;

  constructor(options: FactsOptions) {
    this.#options = options;
    this.spans = new SpanList(options.maxEntries, options.maxBytes, (span) => this.#evicted(span));
  }

  get addresses(): number {
    return this.#subjects.size;
  }

  subjects(): Iterable<Subject> {
    return this.#subjects.values();
  }

  /** The entry of an address in any notation; undefined if nothing is known of it. */
  subject(address: string): Subject | undefined {
    // Hubble writes addresses in the canonical form, so that they need not be parsed.
    const known = this.#subjects.get(address);
    if (known !== undefined || !parseAddressInto(address, words)) return known;
    return this.#subjects.get(formatAddress(words));
  }

  interface(node: string, index: number, time: number): NetworkInterface | undefined {
    const spans = this.#interfaces.get(node)?.get(index);
    return spans && holderAt(spans, time, this.#options.maxSkewMs)?.fact.link;
  }

  learnEndpoint(address: string, endpoint: Endpoint, from: number, to: number): void {
    if (isUnknown(endpoint)) return;
    const known = this.subject(address)?.endpoints;
    for (let index = 0; known !== undefined && index < known.length; index++) {
      const span = known[index]!;
      if (isSameEndpoint(span.fact.endpoint, endpoint)) {
        this.#addDetails(span, endpoint);
        const isFirst = from < span.from;
        this.#extend(span, from, to, to);
        // A later observation of the holder cannot end its hold.
        if (isFirst || span !== span.subject!.holder) this.#updateHolder(span.subject!);
        return;
      }
    }
    const length = textLengthOf(endpoint);
    const subject = this.#subjectFor(address, length);
    if (subject === undefined) return;
    const fact = endpointFact(endpoint, this.#lists);
    const span = this.spans.add(subject.endpoints, fact, subject, from, length);
    this.#extend(span, from, to, to);
    this.#updateHolder(subject);
  }

  /**
   * @param name The name in any case, with or without a trailing dot.
   * @param until When the name expires.
   */
  learnName(address: string, name: string, from: number, to: number, until: number): void {
    const known = this.subject(address)?.names;
    for (let index = 0; known !== undefined && index < known.length; index++) {
      const span = known[index]!;
      if (isSameName(span.fact.name, name)) {
        const hasExpired = span.until <= this.latest;
        this.#extend(span, from, to, until);
        if (hasExpired) this.#options.onChange(span.subject!);
        return;
      }
    }
    if (name.length > MAX_NAME_LENGTH) this.oversized++;
    const canonical = name.length > MAX_NAME_LENGTH ? "" : name.toLowerCase().replace(/\.$/, "");
    if (canonical === "") return;
    if (canonical !== name && !isSameName(canonical, name)) {
      // In another case. The second call finds or adds the canonical form.
      this.learnName(address, canonical, from, to, until);
      return;
    }
    const subject = this.#subjectFor(address, canonical.length);
    if (subject === undefined) return;
    const fact = { kind: "name", name: copyOf(canonical) } as const;
    this.#extend(this.spans.add(subject.names, fact, subject, from, canonical.length), from, to, until);
    this.#options.onChange(subject);
  }

  learnService(address: string, port: number, { name, namespace }: Service, from: number, to: number): void {
    const known = this.subject(address)?.services;
    for (let index = 0; known !== undefined && index < known.length; index++) {
      const span = known[index]!;
      const { fact } = span;
      if (fact.port === port && fact.service.name === name && fact.service.namespace === namespace) {
        this.#extend(span, from, to, to);
        if (known.length > 1) this.#options.onChange(span.subject!);
        return;
      }
    }
    const length = boundedLength(name, namespace);
    const subject = this.#subjectFor(address, length);
    if (subject === undefined) return;
    const service: Service = { $typeName: "flow.Service", name: copyOf(name), namespace: copyOf(namespace) };
    const fact = { kind: "service", port, service } as const;
    this.#extend(this.spans.add(subject.services, fact, subject, from, length), from, to, to);
    this.#options.onChange(subject);
  }

  learnInterface(node: string, index: number, name: string, from: number, to: number): void {
    const known = this.#interfaces.get(node)?.get(index);
    for (const span of known ?? NO_SPANS) {
      if (span.fact.link.name === name) {
        this.#extend(span, from, to, to);
        return;
      }
    }
    const length = boundedLength(node, name);
    if (length === Number.POSITIVE_INFINITY) {
      this.oversized++;
      return;
    }
    const link: NetworkInterface = { $typeName: "flow.NetworkInterface", index, name: copyOf(name) };
    const fact = { kind: "interface", node: copyOf(node), link } as const;
    const spans = known ?? this.#interfaceSpans(fact.node, index);
    this.#extend(this.spans.add(spans, fact, undefined, from, length), from, to, to);
  }

  #addDetails(span: Span<FactOf<"endpoint">>, endpoint: Endpoint): void {
    const own = span.fact.endpoint;
    if (
      endpoint.ID <= own.ID &&
      endpoint.clusterName === own.clusterName &&
      endpoint.workloads.length === 0
    ) {
      return;
    }
    if (textLengthOf(endpoint) === Number.POSITIVE_INFINITY) {
      this.oversized++;
      return;
    }
    const change = addDetails(own, endpoint);
    if (change === undefined) return;
    this.spans.grow(span, change);
    this.#options.onChange(span.subject!);
  }

  #extend(span: Span, from: number, to: number, until: number): void {
    if (from < span.from) span.from = from;
    if (to > span.to) span.to = to;
    if (until > span.until) span.until = until;
    this.spans.touch(span);
  }

  #updateHolder(subject: Subject): void {
    const holder = holderAt(subject.endpoints, Number.POSITIVE_INFINITY, this.#options.maxSkewMs);
    if (holder === subject.holder) return;
    subject.holder = holder;
    this.#options.onChange(subject);
  }

  /** The entry of an address, which is created if the fact is to be learned. */
  #subjectFor(address: string, textLength: number): Subject | undefined {
    if (textLength === Number.POSITIVE_INFINITY) {
      this.oversized++;
      return undefined;
    }
    const known = this.subject(address);
    if (known !== undefined) return known;
    if (!parseAddressInto(address, words)) {
      this.invalidAddresses++;
      return undefined;
    }
    const canonical = formatAddress(words);
    const subject: Subject = {
      address: canonical,
      endpoints: [],
      names: [],
      services: [],
      holder: undefined,
    };
    this.#subjects.set(canonical, subject);
    return subject;
  }

  #interfaceSpans(node: string, index: number): Span<FactOf<"interface">>[] {
    let interfaces = this.#interfaces.get(node);
    if (interfaces === undefined) {
      interfaces = new Map();
      this.#interfaces.set(node, interfaces);
    }
    const spans: Span<FactOf<"interface">>[] = [];
    interfaces.set(index, spans);
    return spans;
  }

  /** Removes what is empty after a span was evicted. */
  #evicted({ fact, subject, spans }: Span): void {
    if (fact.kind === "interface") {
      const interfaces = this.#interfaces.get(fact.node);
      if (spans.length === 0) interfaces?.delete(fact.link.index);
      if (interfaces?.size === 0) this.#interfaces.delete(fact.node);
      return;
    }
    const { address, endpoints, names, services } = subject!;
    if (endpoints.length + names.length + services.length === 0) this.#subjects.delete(address);
    this.#updateHolder(subject!);
    this.#options.onChange(subject!);
  }
}

// Scratch memory, safe to share because no function between its uses calls back.
const words = new Uint32Array(4);

const NO_SPANS: readonly Span<FactOf<"interface">>[] = [];

const DOT = 0x2e;

/** Whether a name is the canonical one, apart from a trailing dot. */
function isSameName(canonical: string, name: string): boolean {
  if (canonical.length === name.length) return canonical === name;
  return (
    canonical.length === name.length - 1 &&
    name.charCodeAt(name.length - 1) === DOT &&
    name.startsWith(canonical)
  );
}

/** The length of two texts together; Infinity if it is above the limit. */
function boundedLength(one: string, other: string): number {
  const length = one.length + other.length;
  return length > MAX_NAME_LENGTH ? Number.POSITIVE_INFINITY : length;
}
