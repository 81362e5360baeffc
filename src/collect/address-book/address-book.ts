import type { FlowEnvelope, FlowEvent } from "../../filter/index.js";
import type { Endpoint, Service } from "../../gen/flow/flow_pb.js";
import type { FlowLookups, FlowOptions } from "../../packet/index.js";
import type { AddressSelection } from "./selection.js";
import type { AddressBookSnapshot, AddressFact } from "./snapshot.js";
import type { BookTime } from "./time.js";
import type { AddressChange, AddressWatch } from "./watch.js";

/** Numbers of a book since its creation, and its size now. */
export interface AddressBookStats {
  /** Flows that were learned from. */
  readonly flows: number;
  /** Flows that were ignored because they have no valid time. */
  readonly untimed: number;
  /** Flows that were ignored because their time is too far ahead, see `maxAheadMs`. */
  readonly ahead: number;
  /** Addresses of flows that are not IP addresses. */
  readonly invalidAddresses: number;
  /** Facts that were ignored because their strings or lists are above the limits of docs/address-book.md. */
  readonly oversized: number;
  /** Pods that were not learned for the address of a service, because the flow was translated. */
  readonly translated: number;
  /** Addresses in the book now. */
  readonly addresses: number;
  /** Intervals in the book now, at most `maxEntries`. */
  readonly entries: number;
  /** Estimated memory of the intervals now, at most `maxBytes`. */
  readonly bytes: number;
  /** Intervals that were evicted to respect the bounds. */
  readonly evicted: number;
}

/** A moment, or all moments from `from` to before `to`. */
export type BookMoments = BookTime | { readonly from: BookTime; readonly to: BookTime };

/** Lookups whose results are not cached. */
export type BookLookups = FlowLookups & Required<Pick<FlowOptions, "memoEntries">>;

/** What `lookups` answers for. */
export interface BookLookupOptions {
  /** The time of the answers; by default that of the packet. */
  readonly time?: BookTime;
  /** The node whose interfaces `link` answers for, as in `node_name` of flows. Without it, `link` is absent. */
  readonly node?: string;
}

/**
 * Learns from flows which endpoint, DNS names and services an address has and had. Addresses are compared by value: any
 * notation of an address gives the same answers. A time that is not given is the latest that was learned.
 */
export interface AddressBook {
  /**
   * Learns from a flow, or from the flow in a response of the Observer or a line of an export file. Other events are
   * ignored. Keeps no memory of the event. Never throws for a message that the schema created, except
   * what subscribers throw.
   *
   * @throws TypeError if the event is neither undefined nor a message.
   */
  learn(event: FlowEvent | FlowEnvelope): void;
  /** The endpoint that holds an address at a time; a copy. Undefined if no endpoint was known at the address by that time. */
  endpoint(address: string, time?: BookTime): Endpoint | undefined;
  /** The DNS names that hold for an address at a time, sorted. */
  names(address: string, time?: BookTime): string[];
  /** The service at an address and port at a time; a copy. */
  service(address: string, port: number, time?: BookTime): Service | undefined;
  /** All intervals of an address, ordered by their starts. */
  history(address: string): AddressFact[];
  /**
   * Lookups for `createFlowDecoder`, which answer for the time of each packet. Before the first flow of an
   * address, it has its first endpoint.
   *
   * @throws OptionsError
   */
  lookups(options?: BookLookupOptions): BookLookups;
  /**
   * The addresses that a selection matches at a time, or at any moment of a span of time, in canonical form. Takes time
   * proportional to the size of the book.
   *
   * @throws FilterError for invalid values; OptionsError for unknown fields.
   */
  addresses(selection: AddressSelection, when?: BookMoments): string[];
  /**
   * Calls `onChange` for each address that the selection matches at the latest time: at once for those that it matches
   * now, then from `learn` for each one that is added or removed. An address is removed when another endpoint holds it,
   * its name expires, or the book evicts it. `onChange` may call the book. What it throws, `learn` throws.
   *
   * @throws FilterError for invalid values; OptionsError for unknown fields.
   */
  watch(selection: AddressSelection, onChange: (change: AddressChange) => void): AddressWatch;
  readonly stats: AddressBookStats;
  /** The content as a JSON value, for the option `snapshot`. Counters and subscriptions are not part of it. */
  toJSON(): AddressBookSnapshot;
}
