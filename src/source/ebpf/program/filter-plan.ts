import { FilterError, type Issue } from "../../../errors/errors.js";
import { prefixContains } from "../../../net/index.js";
import { type PacketFilterInit, parsePacketFilters } from "../../../packet/filter/check.js";
import type { ParsedWiderFilter } from "../../../packet/filter/wider-text.js";
import { IPPROTO_TCP, PROTOCOLS_WITH_PORTS } from "../../../packet/headers/transport.js";

/** How the program handles a filter, and why. */
export type Outcome =
  /** Compared by separate instructions. */
  | { readonly kind: "compared" }
  /** One bit in the rows of the tables. */
  | { readonly kind: "tabled" }
  /** Omitted: it requires a port for a protocol without ports, or TCP flags for another protocol. */
  | { readonly kind: "impossible" }
  /** Omitted: another filter matches everything that it matches. */
  | { readonly kind: "covered"; readonly by: number };

/** How the filters of one address family are matched. */
export interface FamilyPlan {
  readonly family: 4 | 6;
  readonly form: "nothing" | "everything" | "chain" | "tables";
  /** The remaining filters, in the given order. */
  readonly filters: readonly ParsedWiderFilter[];
  /** Whether any filter requires a protocol, a port or TCP flags, so that extension headers must be parsed. */
  readonly needsProtocol: boolean;
  readonly needsPorts: boolean;
  readonly needsFlags: boolean;
}

export interface FilterPlan {
  readonly families: readonly FamilyPlan[];
  /** One entry per given filter. */
  readonly outcomes: readonly Outcome[];
}

/** Minimum number of filters in a family for which tables are faster than sequential comparison. */
export const TABLE_FILTERS = 32;
/** Maximum number of filters that are checked for coverage by another; in a longer list only duplicates are removed. */
const COVER_FILTERS = 512;
/** Limits the size of the program: jumps reach at most 32,767 instructions. */
export const MAX_FILTERS = 32_768;

const WITH_PORTS: readonly number[] = [0, ...PROTOCOLS_WITH_PORTS];
const WITH_FLAGS: readonly number[] = [0, IPPROTO_TCP];

export interface PlanOptions {
  /** Minimum number of filters in a family for tables; for tests. */
  readonly tableFilters?: number | undefined;
  /**
   * The flags that each filter requires, see `WiderFilter`; 0 for any packet. Tables do not contain flags: if a filter
   * of a family has any, all filters of this family are compared one after the other.
   */
  readonly tcpFlags?: readonly number[] | undefined;
}

/**
 * Decides how to match recorder filters.
 *
 * @throws FilterError as `compilePacketFilter` does, and for more than {@link MAX_FILTERS} filters.
 */
export function planFilters(
  include: readonly PacketFilterInit[],
  { tableFilters = TABLE_FILTERS, tcpFlags = [] }: PlanOptions = {},
): FilterPlan {
  const { filters: parsed, issues } = parsePacketFilters(include);
  // If `include` is not an array, the issues already say so.
  const faults = [...issues, ...(Array.isArray(include) ? tooMany(include.length) : [])];
  if (faults.length > 0) throw new FilterError(faults);
  const filters = parsed.map((filter, index) => ({ ...filter, tcpFlags: tcpFlags[index] ?? 0 }));
  const outcomes: Outcome[] = new Array(filters.length);
  const families = ([4, 6] as const).map((family) => planFamily(family, filters, tableFilters, outcomes));
  return { families, outcomes };
}

function tooMany(count: number): readonly Issue[] {
  if (count <= MAX_FILTERS) return [];
  return [
    { path: "include", message: `${count} filters exceed the limit of the kernel program: ${MAX_FILTERS}` },
  ];
}

function planFamily(
  family: 4 | 6,
  all: readonly ParsedWiderFilter[],
  tableFilters: number,
  outcomes: Outcome[],
): FamilyPlan {
  const kept: { readonly filter: ParsedWiderFilter; readonly index: number }[] = [];
  const first = new Map<string, number>();
  all.forEach((filter, index) => {
    if (filter.family !== family) return;
    if (isImpossible(filter)) {
      outcomes[index] = { kind: "impossible" };
      return;
    }
    const key = keyOf(filter);
    const by = first.get(key);
    if (by !== undefined) {
      outcomes[index] = { kind: "covered", by };
      return;
    }
    first.set(key, index);
    kept.push({ filter, index });
  });
  const left = kept.length > COVER_FILTERS ? kept : kept.filter((own) => !isCovered(own, kept, outcomes));
  const filters = left.map(({ filter }) => filter);
  const form = formOf(filters, tableFilters);
  for (const { index } of left) outcomes[index] = { kind: form === "tables" ? "tabled" : "compared" };
  return {
    family,
    form,
    filters,
    needsProtocol: filters.some(
      (filter) => filter.protocol > 0 || asksForPort(filter) || asksForFlags(filter),
    ),
    needsPorts: filters.some(asksForPort),
    needsFlags: filters.some(asksForFlags),
  };
}

function formOf(filters: readonly ParsedWiderFilter[], tableFilters: number): FamilyPlan["form"] {
  if (filters.length === 0) return "nothing";
  if (filters.some(isAny)) return "everything";
  return filters.length < tableFilters || filters.some(asksForFlags) ? "chain" : "tables";
}

function isAny(filter: ParsedWiderFilter): boolean {
  const { source, destination, protocol } = filter;
  const isAnyTransport = protocol === 0 && !asksForPort(filter) && !asksForFlags(filter);
  return source.length === 0 && destination.length === 0 && isAnyTransport;
}

function isImpossible(filter: ParsedWiderFilter): boolean {
  const { protocol } = filter;
  if (asksForPort(filter) && !WITH_PORTS.includes(protocol)) return true;
  return asksForFlags(filter) && !WITH_FLAGS.includes(protocol);
}

function asksForFlags({ tcpFlags }: ParsedWiderFilter): boolean {
  return tcpFlags > 0;
}

function asksForPort({ sourcePort, destinationPort }: ParsedWiderFilter): boolean {
  return sourcePort > 0 || destinationPort > 0;
}

function keyOf({ source, destination, ...rest }: ParsedWiderFilter): string {
  const { sourcePort, destinationPort, protocol, tcpFlags } = rest;
  return [source, destination]
    .flatMap(({ words, length }) => [...words, length])
    .concat(sourcePort, destinationPort, protocol, tcpFlags)
    .join();
}

function isCovered(
  { filter, index }: { readonly filter: ParsedWiderFilter; readonly index: number },
  kept: readonly { readonly filter: ParsedWiderFilter; readonly index: number }[],
  outcomes: Outcome[],
): boolean {
  const by = kept.find((other) => other.index !== index && covers(other.filter, filter));
  if (by === undefined) return false;
  outcomes[index] = { kind: "covered", by: by.index };
  return true;
}

/** Whether `wide`, a different filter, matches everything that `narrow` matches. */
function covers(wide: ParsedWiderFilter, narrow: ParsedWiderFilter): boolean {
  return (
    (wide.protocol === 0 || wide.protocol === narrow.protocol) &&
    (wide.sourcePort === 0 || wide.sourcePort === narrow.sourcePort) &&
    (wide.destinationPort === 0 || wide.destinationPort === narrow.destinationPort) &&
    (wide.tcpFlags & ~narrow.tcpFlags) === 0 &&
    wide.source.length <= narrow.source.length &&
    wide.destination.length <= narrow.destination.length &&
    prefixContains(wide.source, narrow.source.words) &&
    prefixContains(wide.destination, narrow.destination.words)
  );
}
