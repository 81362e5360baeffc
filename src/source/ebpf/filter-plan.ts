import { FilterError, type Issue } from "../../errors/errors.js";
import { prefixContains } from "../../net/index.js";
import {
  type PacketFilterInit,
  type ParsedPacketFilter,
  parsePacketFilters,
} from "../../packet/filter-check.js";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "../../packet/layers.js";

/** What becomes of one filter in the program, and why. */
export type Fate =
  /** Compared by instructions of its own. */
  | { readonly kind: "compared" }
  /** One bit in the rows of the tables. */
  | { readonly kind: "tabled" }
  /** Left out: it asks for a port of a protocol that has none. */
  | { readonly kind: "impossible" }
  /** Left out: whatever it matches, another filter matches as well. */
  | { readonly kind: "covered"; readonly by: number };

/** How the filters of one family are answered. */
export interface FamilyPlan {
  readonly family: 4 | 6;
  readonly form: "nothing" | "everything" | "chain" | "tables";
  /** The filters that are left, each with its place in the list that was given. */
  readonly filters: readonly ParsedPacketFilter[];
  /** Whether any of them asks for the protocol or a port, so that extension headers have to be walked. */
  readonly needsProtocol: boolean;
  readonly needsPorts: boolean;
}

export interface FilterPlan {
  readonly families: readonly FamilyPlan[];
  /** One for each filter given. */
  readonly fates: readonly Fate[];
}

/** From how many filters of a family on tables are faster than comparing one after the other. */
export const TABLE_FILTERS = 32;
/** Filters that are compared with each other for cover; a longer list only loses its duplicates. */
const COVER_FILTERS = 512;
/** Bounds the size of the program: jumps reach 32,767 instructions. */
export const MAX_FILTERS = 32_768;

const WITH_PORTS: readonly number[] = [0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP];

/**
 * Decides how recorder filters are to be answered.
 *
 * @param tableFilters From how many filters of a family on tables are taken; for tests.
 * @throws FilterError as `compilePacketFilter` does, and for more than {@link MAX_FILTERS} filters.
 */
export function planFilters(include: readonly PacketFilterInit[], tableFilters = TABLE_FILTERS): FilterPlan {
  const { filters, issues } = parsePacketFilters(include);
  // What is not a list is among the issues.
  const faults = [...issues, ...(Array.isArray(include) ? tooMany(include.length) : [])];
  if (faults.length > 0) throw new FilterError(faults);
  const fates: Fate[] = new Array(filters.length);
  const families = ([4, 6] as const).map((family) => planFamily(family, filters, tableFilters, fates));
  return { families, fates };
}

function tooMany(count: number): readonly Issue[] {
  if (count <= MAX_FILTERS) return [];
  return [
    { path: "include", message: `${count} filters, of which the kernel's program takes ${MAX_FILTERS}` },
  ];
}

function planFamily(
  family: 4 | 6,
  all: readonly ParsedPacketFilter[],
  tableFilters: number,
  fates: Fate[],
): FamilyPlan {
  const kept: { readonly filter: ParsedPacketFilter; readonly index: number }[] = [];
  const first = new Map<string, number>();
  all.forEach((filter, index) => {
    if (filter.family !== family) return;
    if (asksForPort(filter) && !WITH_PORTS.includes(filter.protocol)) {
      fates[index] = { kind: "impossible" };
      return;
    }
    const key = keyOf(filter);
    const by = first.get(key);
    if (by !== undefined) {
      fates[index] = { kind: "covered", by };
      return;
    }
    first.set(key, index);
    kept.push({ filter, index });
  });
  const left = kept.length > COVER_FILTERS ? kept : kept.filter((own) => !isCovered(own, kept, fates));
  const filters = left.map(({ filter }) => filter);
  const form = formOf(filters, tableFilters);
  for (const { index } of left) fates[index] = { kind: form === "tables" ? "tabled" : "compared" };
  return {
    family,
    form,
    filters,
    needsProtocol: filters.some((filter) => filter.protocol > 0 || asksForPort(filter)),
    needsPorts: filters.some(asksForPort),
  };
}

function formOf(filters: readonly ParsedPacketFilter[], tableFilters: number): FamilyPlan["form"] {
  if (filters.length === 0) return "nothing";
  if (filters.some(isAny)) return "everything";
  return filters.length < tableFilters ? "chain" : "tables";
}

function isAny(filter: ParsedPacketFilter): boolean {
  const { source, destination, protocol } = filter;
  return source.length === 0 && destination.length === 0 && protocol === 0 && !asksForPort(filter);
}

function asksForPort({ sourcePort, destinationPort }: ParsedPacketFilter): boolean {
  return sourcePort > 0 || destinationPort > 0;
}

function keyOf({ source, destination, ...rest }: ParsedPacketFilter): string {
  const { sourcePort, destinationPort, protocol } = rest;
  return [source, destination]
    .flatMap(({ words, length }) => [...words, length])
    .concat(sourcePort, destinationPort, protocol)
    .join();
}

function isCovered(
  { filter, index }: { readonly filter: ParsedPacketFilter; readonly index: number },
  kept: readonly { readonly filter: ParsedPacketFilter; readonly index: number }[],
  fates: Fate[],
): boolean {
  const by = kept.find((other) => other.index !== index && covers(other.filter, filter));
  if (by === undefined) return false;
  fates[index] = { kind: "covered", by: by.index };
  return true;
}

/** Whether `wide`, which is another filter, matches all that `narrow` does. */
function covers(wide: ParsedPacketFilter, narrow: ParsedPacketFilter): boolean {
  return (
    (wide.protocol === 0 || wide.protocol === narrow.protocol) &&
    (wide.sourcePort === 0 || wide.sourcePort === narrow.sourcePort) &&
    (wide.destinationPort === 0 || wide.destinationPort === narrow.destinationPort) &&
    wide.source.length <= narrow.source.length &&
    wide.destination.length <= narrow.destination.length &&
    prefixContains(wide.source, narrow.source.words) &&
    prefixContains(wide.destination, narrow.destination.words)
  );
}
