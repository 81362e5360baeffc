import { systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, optionsOf } from "../errors/check-options.js";
import { aFunction, anInteger, aString, isDate, isObject, required } from "../errors/value-checks.js";
import type { FlowFilterOptions } from "../filter/filter-options.js";
import type { FlowEnvelope, FlowEvent } from "../filter/index.js";
import type { Endpoint, Service } from "../gen/flow/flow_pb.js";
import { copyEndpoint, createService } from "../packet/flow/lookup/lookup-messages.js";
import { portsOf } from "../packet/flow/lookup/lookups.js";
import type {
  AddressBook,
  AddressBookStats,
  BookLookupOptions,
  BookLookups,
  BookMoments,
} from "./address-book/address-book.js";
import { Facts } from "./address-book/facts.js";
import {
  ADDRESS_BOOK_OPTIONS,
  type AddressBookOptions,
  DEFAULT_MAX_AHEAD_MS,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_ENTRIES,
  DEFAULT_MAX_SKEW_MS,
  DEFAULT_MIN_NAME_MS,
} from "./address-book/options.js";
import { type AddressSelection, compileSelection, type KnownAddress } from "./address-book/selection.js";
import {
  type AddressBookSnapshot,
  type AddressFact,
  checkSnapshot,
  toAddressFact,
  toEndpoint,
} from "./address-book/snapshot.js";
import { holderAt, momentsOf, nameHolds, type Subject, servicesAt } from "./address-book/span.js";
import {
  aBookTime,
  type BookTime,
  isTime,
  MAX_TIME,
  millisecondsOf,
  toMilliseconds,
} from "./address-book/time.js";
import { type AddressChange, type AddressWatch, Watches } from "./address-book/watch.js";
import { flowOf } from "./flow-of.js";

/**
 * Creates an address book. docs/address-book.md states the rules by which it answers.
 *
 * @throws OptionsError with every issue of the options, or the first 100 of the snapshot.
 *
 * @example
 * const book = createAddressBook();
 * for await (const event of decodeExport(input)) book.learn(event);
 * book.endpoint("10.0.0.7")?.podName;
 * const decoder = createFlowDecoder(book.lookups());
 */
export function createAddressBook(options: AddressBookOptions = {}): AddressBook {
  checkOptions("createAddressBook", options, ADDRESS_BOOK_OPTIONS);
  if (options.snapshot !== undefined) checkSnapshot("snapshot", options.snapshot);
  return new FlowAddressBook(options);
}

/** DNS answers and lists of names are read up to this number of elements. */
const MAX_LIST = 256;

class FlowAddressBook implements AddressBook {
  readonly #facts: Facts;
  readonly #watches: Watches;
  readonly #skew: number;
  readonly #maxAhead: number;
  readonly #minName: number;
  readonly #rules: Pick<FlowFilterOptions, "hubble">;
  readonly #now: () => number;
  #flows = 0;
  #untimed = 0;
  #ahead = 0;
  #translated = 0;

  constructor({
    maxEntries = DEFAULT_MAX_ENTRIES,
    maxBytes = DEFAULT_MAX_BYTES,
    maxSkewMs = DEFAULT_MAX_SKEW_MS,
    maxAheadMs = DEFAULT_MAX_AHEAD_MS,
    minNameMs = DEFAULT_MIN_NAME_MS,
    hubble,
    clock = systemClock,
    snapshot,
  }: AddressBookOptions) {
    this.#rules = hubble === undefined ? {} : { hubble };
    this.#skew = maxSkewMs;
    this.#maxAhead = maxAheadMs;
    this.#minName = minNameMs;
    this.#now = () => clock.now();
    this.#watches = new Watches(
      (subject) => subject && this.#known(subject, this.#facts.latest),
      (address) => this.#facts.subject(address),
      () => this.#facts.latest,
    );
    const onChange = (subject: Subject) => this.#watches.mark(subject);
    this.#facts = new Facts({ maxEntries, maxBytes, maxSkewMs, onChange });
    if (snapshot === undefined) return;
    this.#facts.latest = snapshot.entries.reduce(
      (latest, { to }) => Math.max(latest, to),
      snapshot.latest ?? Number.NEGATIVE_INFINITY,
    );
    for (const entry of snapshot.entries) this.#restore(entry);
  }

  learn(event: FlowEvent | FlowEnvelope): void {
    const flow = flowOf("learn", event);
    if (flow === undefined) return;
    const time = flow.time === undefined ? Number.NaN : millisecondsOf(flow.time);
    if (!isTime(time)) {
      this.#untimed++;
      return;
    }
    if (time > this.#now() + this.#maxAhead) {
      this.#ahead++;
      return;
    }
    this.#flows++;
    if (time > this.#facts.latest) this.#facts.latest = time;
    const { IP, source, destination, sourceService, destinationService } = flow;
    if (IP !== undefined) {
      const ports = portsOf(flow);
      this.#learnSide(IP.source, source, flow.sourceNames, sourceService, ports?.sourcePort, time);
      const port = ports?.destinationPort;
      this.#learnSide(IP.destination, destination, flow.destinationNames, destinationService, port, time);
    }
    if (flow.l7?.record.case === "dns") this.#learnAnswer(flow.l7.record.value, time);
    const link = flow.interface;
    if (link !== undefined && link.name !== "") {
      this.#facts.learnInterface(flow.nodeName, link.index, link.name, time, time);
    }
    this.#watches.notify(this.#facts.latest);
  }

  endpoint(address: string, time?: BookTime): Endpoint | undefined {
    checkArgument("endpoint", "address", address, aString);
    return this.#endpointAt(address, this.#timeOf("endpoint", time));
  }

  names(address: string, time?: BookTime): string[] {
    checkArgument("names", "address", address, aString);
    return this.#namesAt(this.#facts.subject(address), this.#timeOf("names", time));
  }

  service(address: string, port: number, time?: BookTime): Service | undefined {
    checkArgument("service", "address", address, aString);
    checkArgument("service", "port", port, anInteger(0, 0xffff));
    return this.#serviceAt(address, port, this.#timeOf("service", time));
  }

  history(address: string): AddressFact[] {
    checkArgument("history", "address", address, aString);
    const subject = this.#facts.subject(address);
    if (subject === undefined) return [];
    const { endpoints, names, services } = subject;
    return [...endpoints, ...names, ...services].map(toAddressFact).sort((a, b) => a.from - b.from);
  }

  lookups(options: BookLookupOptions = {}): BookLookups {
    checkOptions("lookups", options, { time: aBookTime, node: aString });
    const { time, node } = options;
    const fixed = time === undefined ? undefined : toMilliseconds(time);
    const at = (ofPacket?: number) => fixed ?? ofPacket ?? this.#facts.latest;
    return {
      endpoint: (ip, timeMs) => this.#endpointAt(ip, at(timeMs)) ?? this.#firstEndpoint(ip),
      names: (ip, _, timeMs) => this.#namesAt(this.#facts.subject(ip), at(timeMs)),
      service: (ip, port, timeMs) => this.#serviceAt(ip, port, at(timeMs)),
      ...(node !== undefined && { link: (index: number) => this.#facts.interface(node, index, at())?.name }),
      // Results depend on the time.
      memoEntries: 0,
    };
  }

  addresses(selection: AddressSelection, when?: BookMoments): string[] {
    const matches = compileSelection("addresses", selection, this.#rules);
    const [from, to] = this.#momentsOf(when);
    const selected: string[] = [];
    for (const subject of this.#facts.subjects()) {
      const moments = to === undefined ? [from] : momentsOf(subject, from, to, this.#skew);
      if (moments.some((time) => matches(this.#known(subject, time)))) selected.push(subject.address);
    }
    return selected;
  }

  watch(selection: AddressSelection, onChange: (change: AddressChange) => void): AddressWatch {
    const matches = compileSelection("watch", selection, this.#rules);
    checkArgument("watch", "onChange", onChange, aFunction);
    const expires = selection.fqdn !== undefined;
    return this.#watches.add({ matches, expires, onChange }, this.#facts.subjects());
  }

  get stats(): AddressBookStats {
    const { invalidAddresses, oversized, addresses, spans } = this.#facts;
    return {
      flows: this.#flows,
      untimed: this.#untimed,
      ahead: this.#ahead,
      invalidAddresses,
      oversized,
      translated: this.#translated,
      addresses,
      entries: spans.size,
      bytes: spans.bytes,
      evicted: spans.evicted,
    };
  }

  toJSON(): AddressBookSnapshot {
    const { latest, spans } = this.#facts;
    return {
      version: 1,
      latest: Number.isFinite(latest) ? latest : null,
      entries: Array.from(spans, toAddressFact),
    };
  }

  #learnSide(
    address: string,
    endpoint: Endpoint | undefined,
    names: readonly string[],
    service: Service | undefined,
    port: number | undefined,
    time: number,
  ): void {
    if (address === "") return;
    const isService = service !== undefined && service.name !== "";
    if (isService) this.#facts.learnService(address, port ?? 0, service, time, time);
    // The address of a service belongs to no pod: an endpoint that is a pod is the backend of a translated flow.
    if (isService && endpoint !== undefined && endpoint.podName !== "") this.#translated++;
    else if (endpoint !== undefined) this.#facts.learnEndpoint(address, endpoint, time, time);
    const count = Math.min(names.length, MAX_LIST);
    for (let index = 0; index < count; index++) {
      this.#facts.learnName(address, names[index]!, time, time, this.#expiry(time, 0));
    }
  }

  #learnAnswer(dns: { query: string; ips: string[]; ttl: number; rcode: number }, time: number): void {
    if (dns.rcode !== 0) return;
    const until = this.#expiry(time, dns.ttl);
    const count = Math.min(dns.ips.length, MAX_LIST);
    for (let index = 0; index < count; index++) {
      this.#facts.learnName(dns.ips[index]!, dns.query, time, time, until);
    }
  }

  /** When a name expires that was seen at `time`, with a time to live in seconds. */
  #expiry(time: number, ttl: number): number {
    return Math.min(time + Math.max(1000 * ttl, this.#minName), MAX_TIME);
  }

  #restore(entry: AddressFact): void {
    const { from, to } = entry;
    switch (entry.kind) {
      case "endpoint":
        this.#facts.learnEndpoint(entry.address, toEndpoint(entry), from, to);
        return;
      case "name":
        this.#facts.learnName(entry.address, entry.name, from, to, entry.until);
        return;
      case "service": {
        const { name, namespace } = entry;
        this.#facts.learnService(entry.address, entry.port, createService({ name, namespace }), from, to);
        return;
      }
      case "interface":
        this.#facts.learnInterface(entry.node, entry.index, entry.name, from, to);
    }
  }

  #endpointAt(address: string, time: number): Endpoint | undefined {
    const subject = this.#facts.subject(address);
    const holder = subject && holderAt(subject.endpoints, time, this.#skew);
    return holder && copyEndpoint(holder.fact.endpoint);
  }

  /** The endpoint that was seen first at an address: it probably held it before, too. */
  #firstEndpoint(address: string): Endpoint | undefined {
    const spans = this.#facts.subject(address)?.endpoints ?? [];
    const fromMs = Math.min(...spans.map(({ from }) => from));
    const first = holderAt(spans, fromMs, this.#skew);
    return first && copyEndpoint(first.fact.endpoint);
  }

  #namesAt(subject: Subject | undefined, time: number): string[] {
    const names: string[] = [];
    for (const span of subject?.names ?? []) if (nameHolds(span, time)) names.push(span.fact.name);
    return names.sort();
  }

  #serviceAt(address: string, port: number, time: number): Service | undefined {
    const subject = this.#facts.subject(address);
    const holder = subject && holderAt(subject.services, time, this.#skew, port);
    return holder && createService(holder.fact.service);
  }

  #known(subject: Subject, time: number): KnownAddress {
    const { endpoints, names, services } = subject;
    const held = names.filter((span) => nameHolds(span, time));
    return {
      endpoint: holderAt(endpoints, time, this.#skew)?.fact.endpoint,
      names: held.map(({ fact }) => fact.name),
      namesUntil: held.reduce((least, { until }) => Math.min(least, until), Number.POSITIVE_INFINITY),
      services: servicesAt(services, time, this.#skew),
    };
  }

  #timeOf(name: string, time: BookTime | undefined): number {
    if (time === undefined) return this.#facts.latest;
    checkArgument(name, "time", time, aBookTime);
    return toMilliseconds(time);
  }

  /** The moment, or the start and the end of a span of time. */
  #momentsOf(when: BookMoments | undefined): readonly [from: number, to?: number] {
    if (!isObject(when) || isDate(when) || "seconds" in when) {
      return [this.#timeOf("addresses", when as BookTime | undefined)];
    }
    checkMoments(when, "when", (path, message) => {
      throw new TypeError(`addresses: ${path} ${message}`);
    });
    const { from, to } = when as { readonly from: BookTime; readonly to: BookTime };
    return [toMilliseconds(from), toMilliseconds(to)];
  }
}

const checkMoments = optionsOf<{ readonly from: BookTime; readonly to: BookTime }>("when", {
  from: required(aBookTime),
  to: required(aBookTime),
});
