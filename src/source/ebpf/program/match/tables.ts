import type { Prefix } from "../../../../net/index.js";
import type { ParsedPacketFilter } from "../../../../packet/filter/check.js";
import { buildPrefixes, type LongTable, type WordTable } from "./address-tables.js";
import { BITS, Rows, type Shape, type TableBytes } from "./table-rows.js";

// Matches many filters at once, after Lakshman and Stiliadis (SIGCOMM 1998). Each field of a packet is looked up
// separately and yields a row of bits, one per filter that accepts the field. A filter matches if its bit is set in all
// rows. The cost grows with the logarithm of the number of filters, regardless of their shapes, plus one bit per filter
// in each row. As most words of a row are 0, the rows of large groups start with a summary word that marks the others.

/** Maximum number of filters in a group; a longer list is split into several groups. */
export const GROUP_FILTERS = 4096;
/** Rows with more words than this have a summary word. */
const SUMMARY_WORDS = 4;

export const PROTOCOL_UNKNOWN = 256;
/** Represents a missing port. */
export const NO_PORT = 0x10000;

/**
 * A field with few values: a 16-bit class number per value (ports as they are loaded, in network order). The class
 * number times the bytes per row is the row's offset.
 */
export interface ValueTable {
  readonly kind: "values";
  readonly classesAt: number;
  readonly values: number;
  readonly rowsAt: number;
  readonly rows: number;
}

/** The tables of one group; undefined for a field that no filter uses. */
export interface GroupTables {
  readonly family: 4 | 6;
  readonly filters: number;
  /** 64-bit words per row, not counting the summary. */
  readonly words: number;
  readonly hasSummary: boolean;
  readonly rowBytes: number;
  readonly source?: WordTable | LongTable;
  readonly destination?: WordTable | LongTable;
  readonly protocol?: ValueTable;
  readonly sourcePort?: ValueTable;
  readonly destinationPort?: ValueTable;
}

/** Builds the tables of one group: at most {@link GROUP_FILTERS} filters of one family. */
export function buildTables(filters: readonly ParsedPacketFilter[], bytes: TableBytes): GroupTables {
  const words = Math.ceil(filters.length / BITS);
  const hasSummary = words > SUMMARY_WORDS;
  const rowBytes = 8 * (words + (hasSummary ? 1 : 0));
  const { family } = filters[0]!;
  const shape = { words, hasSummary, rowBytes };
  const field = (value: (filter: ParsedPacketFilter) => number, values: number) =>
    buildValues(filters.map(value), values, shape, bytes);
  const side = (prefix: (filter: ParsedPacketFilter) => Prefix) =>
    buildPrefixes(filters.map(prefix), family, shape, bytes);
  const source = side((filter) => filter.source);
  const destination = side((filter) => filter.destination);
  const protocol = field((filter) => filter.protocol, PROTOCOL_UNKNOWN + 1);
  const sourcePort = field((filter) => swap16(filter.sourcePort), NO_PORT + 1);
  const destinationPort = field((filter) => swap16(filter.destinationPort), NO_PORT + 1);
  return {
    family,
    filters: filters.length,
    ...shape,
    ...(source !== undefined && { source }),
    ...(destination !== undefined && { destination }),
    ...(protocol !== undefined && { protocol }),
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
  };
}

/** Converts a 16-bit number to the value that a little-endian machine loads from network order. */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

/** @param wanted The value that each filter requires; 0 for any. */
function buildValues(
  wanted: readonly number[],
  values: number,
  shape: Shape,
  bytes: TableBytes,
): ValueTable | undefined {
  if (wanted.every((value) => value === 0)) return undefined;
  const rows = new Rows(shape);
  const any = rows.add();
  wanted.forEach((value, bit) => {
    if (value === 0) rows.set(any, bit);
  });
  const classes = new Uint16Array(values);
  wanted.forEach((value, bit) => {
    if (value === 0) return;
    if (classes[value] === any) classes[value] = rows.add(any);
    rows.set(classes[value]!, bit);
  });
  return {
    kind: "values",
    classesAt: bytes.add(classes),
    values,
    rowsAt: bytes.add(rows.concat()),
    rows: rows.count,
  };
}
