import { aClock, type Clock, systemClock } from "../../async/clock.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { aFunction, anInteger } from "../../errors/value-checks.js";
import { type FlowEnvelope, type FlowEvent, isFlow, withoutEnvelope } from "../../filter/event.js";
import type { Endpoint, Flow, NetworkInterface } from "../../gen/flow/flow_pb.js";
import type { EndpointInit, FlowLookups, FlowOptions } from "../../packet/flow/flow-options.js";
import { AddressEntry, type KnownService } from "./address-entry.js";
import { canonicalAddress } from "./canonical-address.js";
import { addsTo, isBounded, isKnown, type KnownEndpoint, mergeEndpoint } from "./endpoint.js";
import { dnsAnswerOf, portsOf, sideOfInterface, withoutDot } from "./learn.js";
import { type AddressSelection, aSelection, compileSelection } from "./selection.js";
import {
  type AddressBookSnapshot,
  type AddressHistory,
  aSnapshot,
  entriesOf,
  historyOf,
  snapshotOf,
} from "./snapshot.js";
import { type AddressChange, Watch } from "./watch.js";

/** Default of `maxEntries`. */
export const DEFAULT_MAX_ENTRIES = 100_000;

/** Options of an address book. */
export interface AddressBookOptions {
  /**
   * The maximum number of entries: each endpoint, name and service of an address, with the time for which it held, is one.
   * At the limit, the eighth of the addresses that were seen longest ago are forgotten. Default
   * {@link DEFAULT_MAX_ENTRIES}. An entry takes about 400 bytes.
   */
  readonly maxEntries?: number;
  /** What another book knew: the result of its `toJSON`. */
  readonly snapshot?: AddressBookSnapshot;
  /** Tells which flows are of the future. */
  readonly clock?: Clock;
}

/** Counts of an address book. */
export interface AddressBookStats {
  readonly addresses: number;
  readonly entries: number;
  /** Addresses that were forgotten to respect `maxEntries`. */
  readonly evicted: number;
  /** Flows, endpoints and names that were not learnt: without a time, of the future, too large, or not an address. */
  readonly ignored: number;
}

/**
 * What the flows of Hubble say about addresses, and when. Addresses are compared by value. Without a time, methods answer
 * for the latest time that is known; times are milliseconds since 1970.
 */
export interface AddressBook {
  /**
   * Learns from an event: the endpoints, names and services of both addresses of a flow, and the addresses in a DNS answer.
   * Other events are ignored. Events may arrive in any order.
   */
  learn(event: FlowEvent | FlowEnvelope): void;
  /**
   * The endpoint that held an address: the one that was seen last at or before the time. Before the first time, it is the
   * first one. Undefined if the address is unknown.
   */
  endpoint(address: string, timeMs?: number): KnownEndpoint | undefined;
  /** The names of an address at a time, sorted; if there was none, those that were seen last before, or first after it. */
  names(address: string, timeMs?: number): string[];
  /** The service at an address and port. */
  service(address: string, port: number, timeMs?: number): KnownService | undefined;
  /** Everything that is known about an address. */
  history(address: string): AddressHistory | undefined;
  /** The addresses of a selection, in no particular order. An empty selection contains none. */
  addresses(selection: AddressSelection, timeMs?: number): string[];
  /**
   * Reports the addresses that a selection contains now, and from then on each that is added or removed, while events are
   * learnt. Watched addresses are forgotten last. Returns a function that ends it.
   *
   * @throws FilterError, OptionsError for invalid selections.
   */
  watch(selection: AddressSelection, onChange: (change: AddressChange) => void): () => void;
  /**
   * Lookups for `createFlowDecoder`: `createFlowDecoder({ ...book.lookups })` decodes packets with the names that held at
   * their times.
   */
  readonly lookups: Required<Pick<FlowLookups, "endpoint" | "names" | "service">> &
    Pick<FlowOptions, "memoEntries">;
  readonly stats: AddressBookStats;
  /** A copy of the content, for `JSON.stringify` and the option `snapshot`. */
  toJSON(): AddressBookSnapshot;
}

const OPTIONS: OptionTable<AddressBookOptions> = {
  maxEntries: anInteger(1),
  snapshot: aSnapshot,
  clock: aClock,
};

/**
 * Creates an address book: it learns from Hubble's flows which pod, names and services an address belonged to, and answers
 * for any time. It is a source of lookups for decoding packets, and finds the addresses of pods, labels and services.
 *
 * ```ts
 * const book = createAddressBook();
 * for await (const event of decodeExport(file)) book.learn(event);
 * book.endpoint("10.0.1.7", Date.parse("2026-03-01T12:00:00Z"))?.podName;
 * book.addresses({ pod: ["shop/cart"] });
 * for (const flow of createFlowDecoder({ ...book.lookups }).decode(batch)) console.log(formatFlow(flow));
 * ```
 *
 * @throws OptionsError with every fault, also those of a snapshot.
 */
export function createAddressBook(options: AddressBookOptions = {}): AddressBook {
  checkOptions("createAddressBook", options, OPTIONS);
  return new Book(options);
}

/** Flows may be this much ahead of the clock. Later ones are ignored: they would hide everything that is learnt after. */
const MAX_AHEAD_MS = 3_600_000;
/** The maximum length of a name in characters. */
const MAX_NAME = 255;
/** The maximum time for which a DNS answer holds. */
const MAX_TTL_S = 86_400;
/** The part of the addresses that is forgotten at once. */
const EVICTED_PART = 8;

class Book implements AddressBook {
  readonly #maxEntries: number;
  readonly #clock: Clock;
  readonly #byAddress = new Map<string, AddressEntry>();
  readonly #watches = new Set<Watch>();
  #entries = 0;
  #evicted = 0;
  #ignored = 0;
  readonly lookups: AddressBook["lookups"];

  constructor({ maxEntries = DEFAULT_MAX_ENTRIES, snapshot, clock = systemClock }: AddressBookOptions) {
    this.#maxEntries = maxEntries;
    this.#clock = clock;
    for (const entry of snapshot === undefined ? [] : entriesOf(snapshot)) {
      this.#byAddress.set(entry.address, entry);
      this.#entries += entry.size;
    }
    this.#evict();
    this.lookups = {
      endpoint: (ip, timeMs) => this.#endpointInit(ip, timeMs),
      names: (ip, _, timeMs) => this.#find(ip)?.namesAt(timeMs ?? Number.POSITIVE_INFINITY),
      service: (ip, port, timeMs) => this.service(ip, port, timeMs),
      // The results depend on the time.
      memoEntries: 0,
    };
  }

  get stats(): AddressBookStats {
    return {
      addresses: this.#byAddress.size,
      entries: this.#entries,
      evicted: this.#evicted,
      ignored: this.#ignored,
    };
  }

  learn(event: FlowEvent | FlowEnvelope): void {
    const flow = withoutEnvelope(event);
    if (!isFlow(flow)) return;
    const { IP, time } = flow;
    if (IP === undefined) return;
    const timeMs = time === undefined ? Number.NaN : Number(time.seconds) * 1000 + time.nanos / 1e6;
    if (!(timeMs <= this.#clock.now() + MAX_AHEAD_MS)) {
      this.#ignored++;
      return;
    }
    const link = sideOfInterface(flow);
    const { source, destination, sourceService, destinationService } = flow;
    this.#learnSide(
      IP.source,
      source,
      flow.sourceNames,
      link === "source" ? flow.interface : undefined,
      timeMs,
    );
    this.#learnSide(
      IP.destination,
      destination,
      flow.destinationNames,
      link === "destination" ? flow.interface : undefined,
      timeMs,
    );
    if (sourceService !== undefined || destinationService !== undefined) {
      const ports = portsOf(flow);
      if (sourceService !== undefined) this.#learnService(IP.source, ports.source, sourceService, timeMs);
      if (destinationService !== undefined) {
        this.#learnService(IP.destination, ports.destination, destinationService, timeMs);
      }
    }
    this.#learnAnswer(flow, timeMs);
    if (this.#entries > this.#maxEntries) this.#evict();
  }

  #learnSide(
    address: string,
    endpoint: Endpoint | undefined,
    names: readonly string[],
    link: NetworkInterface | undefined,
    timeMs: number,
  ): void {
    if (endpoint !== undefined && isKnown(endpoint)) this.#learnEndpoint(address, endpoint, link, timeMs);
    for (let index = 0; index < names.length; index++)
      this.#learnName(address, names[index]!, timeMs, timeMs);
  }

  #learnEndpoint(
    address: string,
    endpoint: Endpoint,
    link: NetworkInterface | undefined,
    timeMs: number,
  ): void {
    const seen = this.#byAddress.get(address);
    const known = seen?.endpoints.extendLatest(endpoint as Endpoint & { interfaceName: string }, timeMs);
    if (seen !== undefined && timeMs > seen.seenMs) seen.seenMs = timeMs;
    if (known !== undefined && !addsTo(known, endpoint, link)) return;
    const entry = isBounded(endpoint) ? (seen ?? this.#entry(address)) : undefined;
    if (entry === undefined) {
      this.#ignored++;
      return;
    }
    entry.seenMs = Math.max(entry.seenMs, timeMs);
    const before = known ?? entry.endpoints.at(timeMs);
    const isSame =
      before !== undefined && before.podName === endpoint.podName && before.identity === endpoint.identity;
    const merged = mergeEndpoint(isSame ? before : undefined, endpoint, link);
    this.#entries += entry.endpoints.observe(merged, timeMs);
    this.#report(entry);
  }

  #learnName(address: string, text: string, fromMs: number, toMs: number): void {
    const name = withoutDot(text);
    if (name === "") return;
    const entry = name.length > MAX_NAME ? undefined : this.#entry(address);
    if (entry === undefined) {
      this.#ignored++;
      return;
    }
    if (fromMs > entry.seenMs) entry.seenMs = fromMs;
    const isNew = !entry.names.has(name);
    this.#entries += entry.addName(name, fromMs, toMs);
    if (isNew) this.#report(entry);
  }

  #learnService(address: string, port: number, { name, namespace }: KnownService, timeMs: number): void {
    if (name === "") return;
    const entry = Math.max(name.length, namespace.length) > MAX_NAME ? undefined : this.#entry(address);
    if (entry === undefined) {
      this.#ignored++;
      return;
    }
    if (timeMs > entry.seenMs) entry.seenMs = timeMs;
    const known = entry.services.get(port)?.latest;
    this.#entries += entry.addService(port, { name, namespace }, timeMs);
    if (known?.name !== name || known.namespace !== namespace) this.#report(entry);
  }

  #learnAnswer(flow: Flow, timeMs: number): void {
    const answer = dnsAnswerOf(flow);
    if (answer === undefined) return;
    const toMs = timeMs + 1000 * Math.min(answer.ttl, MAX_TTL_S);
    for (const address of answer.ips) this.#learnName(address, answer.query, timeMs, toMs);
  }

  /** The entry of an address in a flow, a new one if it is not known yet; undefined if it is not an address. */
  #entry(address: string): AddressEntry | undefined {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    const canonical = canonicalAddress(address);
    if (canonical === undefined) return undefined;
    let entry = this.#byAddress.get(canonical);
    if (entry === undefined) {
      entry = new AddressEntry(canonical);
      this.#byAddress.set(canonical, entry);
    }
    return entry;
  }

  #find(address: string): AddressEntry | undefined {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    const canonical = canonicalAddress(address);
    return canonical === undefined ? undefined : this.#byAddress.get(canonical);
  }

  #report(entry: AddressEntry): void {
    for (const watch of this.#watches) watch.update(entry);
  }

  /** Forgets the addresses that were seen longest ago, those that are watched last. */
  #evict(): void {
    if (this.#entries <= this.#maxEntries) return;
    const all = [...this.#byAddress.values()].sort(
      (one, other) => Number(one.watched > 0) - Number(other.watched > 0) || one.seenMs - other.seenMs,
    );
    const wanted = this.#maxEntries - Math.floor(this.#maxEntries / EVICTED_PART);
    for (const entry of all) {
      if (this.#entries <= wanted) return;
      this.#byAddress.delete(entry.address);
      this.#entries -= entry.size;
      this.#evicted++;
      for (const watch of this.#watches) watch.remove(entry);
    }
  }

  endpoint(address: string, timeMs: number = Number.POSITIVE_INFINITY): KnownEndpoint | undefined {
    return this.#find(address)?.endpoints.at(timeMs);
  }

  #endpointInit(address: string, timeMs?: number): EndpointInit | undefined {
    const known = this.endpoint(address, timeMs);
    if (known === undefined) return undefined;
    const { interfaceName: _, labels, workloads, ...endpoint } = known;
    return {
      ...endpoint,
      labels: labels.slice(),
      workloads: workloads.map(({ name, kind }) => ({ name, kind })),
    };
  }

  names(address: string, timeMs: number = Number.POSITIVE_INFINITY): string[] {
    return this.#find(address)?.namesAt(timeMs) ?? [];
  }

  service(
    address: string,
    port: number,
    timeMs: number = Number.POSITIVE_INFINITY,
  ): KnownService | undefined {
    return this.#find(address)?.serviceAt(port, timeMs);
  }

  history(address: string): AddressHistory | undefined {
    const entry = this.#find(address);
    return entry && historyOf(entry);
  }

  addresses(selection: AddressSelection, timeMs?: number): string[] {
    checkArgument("addresses", "selection", selection, aSelection);
    const test = compileSelection(selection);
    const found: string[] = [];
    for (const entry of this.#byAddress.values()) if (test(entry, timeMs)) found.push(entry.address);
    return found;
  }

  watch(selection: AddressSelection, onChange: (change: AddressChange) => void): () => void {
    checkArgument("watch", "selection", selection, aSelection);
    checkArgument("watch", "onChange", onChange, aFunction);
    const watch = new Watch(compileSelection(selection), onChange);
    for (const entry of this.#byAddress.values()) watch.update(entry);
    this.#watches.add(watch);
    return () => {
      if (this.#watches.delete(watch)) watch.end();
    };
  }

  toJSON(): AddressBookSnapshot {
    return snapshotOf(this.#byAddress.values());
  }
}
