import type { Flow } from "../../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";

/** A value of a flat object. */
export type FlatValue = string | number | boolean | readonly string[];

/**
 * The type of a column: `time` is a string like `2026-06-16T14:52:13.596000000Z`, `enum` a string with few values. A `uint64`
 * is a number up to 2^53, and a decimal string above.
 */
export type ColumnType =
  | "string"
  | "enum"
  | "strings"
  | "time"
  | "bool"
  | "int32"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64";

/** A column of a table of events. */
export interface FlatColumn {
  readonly type: ColumnType;
  /** Whether a missing value differs from 0, false and "". */
  readonly isNullable?: boolean;
  /** Returns the value of an event; undefined if it has none. */
  readonly value: (event: GetFlowsResponse | ExportEvent) => FlatValue | undefined;
}

/** Columns by name, in the order of the table. */
export type FlatColumns = Readonly<Record<string, FlatColumn>>;

/** Reads a value of a flow. 0, "" and empty lists are what proto3 has for unset fields, and count as missing. */
type Read<V> = (flow: Flow) => V | undefined;

/** Creates a column of a flow whose zero value means missing. */
export function column<V extends FlatValue>(type: ColumnType, read: Read<V>): FlatColumn {
  return {
    type,
    value: (event) => {
      const value = readFlow(event, read);
      return value === 0 || value === "" || (Array.isArray(value) && value.length === 0) ? undefined : value;
    },
  };
}

/** Creates a column of a flow whose zero value is a value like others. */
export function nullable<V extends FlatValue>(type: ColumnType, read: Read<V>): FlatColumn {
  return { type, isNullable: true, value: (event) => readFlow(event, read) };
}

/** Creates a column of a 64-bit integer of a flow. */
export function uint64(read: Read<bigint>): FlatColumn {
  return column("uint64", (flow) => toFlatInteger(read(flow)));
}

/** Creates a column with the name of an enum value; a value that this package does not know is its number. */
export function enumColumn(values: Readonly<Record<number, string>>, read: Read<number>): FlatColumn {
  return column("enum", (flow) => {
    const value = read(flow);
    // 0 is "unknown" in all enums of flows.
    return value === undefined || value === 0 ? undefined : (values[value] ?? String(value));
  });
}

/** A number, or a decimal string if a number would not be exact. */
export function toFlatInteger(value: bigint | undefined): number | string | undefined {
  if (value === undefined) return undefined;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
}

function readFlow<V>({ responseTypes }: GetFlowsResponse | ExportEvent, read: Read<V>): V | undefined {
  return responseTypes.case === "flow" ? read(responseTypes.value) : undefined;
}
