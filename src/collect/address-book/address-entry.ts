import type { KnownEndpoint } from "./endpoint.js";
import { isSameEndpoint } from "./endpoint.js";
import { Holdings } from "./holdings.js";

/** A service, such as `kube-system/kube-dns`. */
export interface KnownService {
  readonly namespace: string;
  readonly name: string;
}

/** When a name of an address was seen; `toMs` may lie in the future, by the TTL of a DNS answer. */
export interface NameSpan {
  fromMs: number;
  toMs: number;
}

/** The maximum number of names, and of ports with services, of an address. */
const MAX_NAMES = 64;
const MAX_PORTS = 64;

const isSameService = (one: KnownService, other: KnownService): boolean =>
  one.name === other.name && one.namespace === other.namespace;

/** What is known about an address. */
export class AddressEntry {
  readonly address: string;
  readonly endpoints = new Holdings<KnownEndpoint>(isSameEndpoint);
  readonly names = new Map<string, NameSpan>();
  readonly services = new Map<number, Holdings<KnownService>>();
  /** The latest time at which the address was seen, in milliseconds since 1970. */
  seenMs = Number.NEGATIVE_INFINITY;
  /** In how many selections that are watched the address is. */
  watched = 0;

  constructor(address: string) {
    this.address = address;
  }

  /** The number of its holdings. */
  get size(): number {
    let size = this.endpoints.list.length + this.names.size;
    for (const { list } of this.services.values()) size += list.length;
    return size;
  }

  /** Notes a name. Returns by how much the number of holdings has changed. */
  addName(name: string, fromMs: number, toMs: number): number {
    const span = this.names.get(name);
    if (span !== undefined) {
      if (fromMs < span.fromMs) span.fromMs = fromMs;
      if (toMs > span.toMs) span.toMs = toMs;
      return 0;
    }
    this.names.set(name, { fromMs, toMs });
    if (this.names.size <= MAX_NAMES) return 1;
    this.names.delete(oldestOf(this.names));
    return 0;
  }

  /** The names that held at a time; if there are none, those that held last before it, or else first after it. */
  namesAt(timeMs: number): string[] {
    const held: string[] = [];
    let best = Number.POSITIVE_INFINITY;
    for (const [name, { fromMs, toMs }] of this.names) {
      // A name that was seen before counts as closer than one that was seen later.
      const distance = timeMs > toMs ? timeMs - toMs : timeMs < fromMs ? 1e15 + fromMs - timeMs : 0;
      if (distance > best) continue;
      if (distance < best) held.length = 0;
      best = distance;
      held.push(name);
    }
    return held.sort();
  }

  /** Notes the service at a port. Returns by how much the number of holdings has changed. */
  addService(port: number, service: KnownService, timeMs: number): number {
    const holdings = this.servicesAt(port);
    if (holdings === undefined || holdings.extendLatest(service, timeMs) !== undefined) return 0;
    return holdings.observe(service, timeMs);
  }

  /** The services at a port; undefined if the address has too many ports. */
  servicesAt(port: number): Holdings<KnownService> | undefined {
    let holdings = this.services.get(port);
    if (holdings !== undefined || this.services.size >= MAX_PORTS) return holdings;
    holdings = new Holdings(isSameService);
    this.services.set(port, holdings);
    return holdings;
  }

  serviceAt(port: number, timeMs: number): KnownService | undefined {
    return this.services.get(port)?.at(timeMs);
  }
}

function oldestOf(names: ReadonlyMap<string, NameSpan>): string {
  let oldest = "";
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const [name, { toMs }] of names) {
    if (toMs >= oldestMs) continue;
    oldest = name;
    oldestMs = toMs;
  }
  return oldest;
}
