import { aClock, type Clock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import { aNumberFrom, anInteger, anObject } from "../../errors/value-checks.js";
import { aHubbleVersion, type HubbleVersion } from "../../hubble/version.js";
import type { AddressBookSnapshot } from "./snapshot.js";

/** Default number of intervals in an address book. */
export const DEFAULT_MAX_ENTRIES = 65_536;

/** Default of {@link AddressBookOptions.maxBytes}: 128 MiB. */
export const DEFAULT_MAX_BYTES = 128 * 1024 * 1024;

/** Default of {@link AddressBookOptions.maxSkewMs}. */
export const DEFAULT_MAX_SKEW_MS = 5_000;

/** Default of {@link AddressBookOptions.maxAheadMs}: five minutes. */
export const DEFAULT_MAX_AHEAD_MS = 300_000;

/** Default of {@link AddressBookOptions.minNameMs}: one hour. */
export const DEFAULT_MIN_NAME_MS = 3_600_000;

/** The bounds and the clock of a book, and what it knows at first. */
export interface AddressBookOptions {
  /**
   * Maximum number of intervals of all kinds together: endpoints, names, services and interfaces. At the limit, the
   * interval that was learned or confirmed least recently is evicted. Default {@link DEFAULT_MAX_ENTRIES}.
   */
  readonly maxEntries?: number;
  /**
   * Maximum memory of all intervals, in bytes, estimated from the lengths of their strings. At the limit, intervals are
   * evicted as with {@link maxEntries}. Default 128 MiB.
   */
  readonly maxBytes?: number;
  /**
   * How far the times of flows may disagree, in milliseconds: the difference between the clocks of nodes. Two endpoints
   * seen at one address within this time count as seen together. Default 5,000.
   */
  readonly maxSkewMs?: number;
  /**
   * Flows whose time is further ahead of the clock than this, in milliseconds, are ignored and counted. Default five
   * minutes; `Infinity` accepts all.
   */
  readonly maxAheadMs?: number;
  /**
   * How long a DNS name holds after it was last seen, in milliseconds, if the answer has no longer time to live. Default
   * one hour.
   */
  readonly minNameMs?: number;
  /** The version of Hubble whose rules apply to selections; see `compileFlowFilters`. Default "1.16". */
  readonly hubble?: HubbleVersion;
  /** The source of the current time. The system clock by default. */
  readonly clock?: Clock;
  /** The content of another book, as `toJSON` returns it. */
  readonly snapshot?: AddressBookSnapshot;
}

/** The checks of the options. `snapshot.ts` checks the content of the snapshot. */
export const ADDRESS_BOOK_OPTIONS: OptionTable<AddressBookOptions> = {
  maxEntries: anInteger(1),
  maxBytes: anInteger(1),
  maxSkewMs: aNumberFrom(0),
  maxAheadMs: aNumberFrom(0),
  minNameMs: aNumberFrom(0),
  hubble: aHubbleVersion,
  clock: aClock,
  snapshot: anObject,
};
