import { fieldsOf, type OptionTable } from "../../errors/check-options.js";
import { aBoolean, aFunction, anObjectOf, oneOf, required } from "../../errors/value-checks.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { toEnvelope } from "../flow-response.js";
import type { ColumnType, FlatColumn, FlatColumns, FlatValue } from "./column.js";
import { FLOW_COLUMNS } from "./flow-columns.js";

/** Every type. */
const TYPES: { readonly [K in ColumnType]: true } = {
  ...{ string: true, enum: true, strings: true, time: true, bool: true },
  ...{ int32: true, uint8: true, uint16: true, uint32: true, uint64: true },
};

const COLUMN: OptionTable<FlatColumn> = {
  type: required(oneOf(...(Object.keys(TYPES) as ColumnType[]))),
  isNullable: aBoolean,
  value: required(aFunction),
};

const someColumns = anObjectOf(fieldsOf(COLUMN));

/** The columns of tables that were already checked. */
const checked = new WeakMap<FlatColumns, readonly (readonly [string, FlatColumn])[]>();

/**
 * Converts an event, or a bare flow, to one flat object, for databases and other systems with columns: by default those of
 * {@link FLOW_COLUMNS}. Columns for which the event has no value are left out, so that a table stores its default.
 *
 * @param columns The table may be a changed copy of {@link FLOW_COLUMNS}. It is read once and must not be changed afterwards.
 * @throws TypeError for what is not an event or a table of columns, or what `value` throws.
 *
 * @example
 * flattenEvent(event); // { time: "2026-06-16T14:52:13.596000000Z", event: "flow", verdict: "DROPPED", source_pod: "cart-1", … }
 */
export function flattenEvent(
  event: GetFlowsResponse | ExportEvent | Flow,
  columns: FlatColumns = FLOW_COLUMNS,
): Record<string, FlatValue> {
  const entries = columnsOf("flattenEvent", columns);
  const envelope = toEnvelope("flattenEvent", event);
  const row: Record<string, FlatValue> = {};
  for (const [name, { value }] of entries) {
    const one = value(envelope);
    if (one !== undefined) row[name] = one;
  }
  return row;
}

/** The rows of a table of columns, checked when it is first used. */
export function columnsOf(name: string, columns: FlatColumns): readonly (readonly [string, FlatColumn])[] {
  const known = Object(columns) === columns ? checked.get(columns) : undefined;
  if (known !== undefined) return known;
  someColumns(columns, "columns", (path, message) => {
    throw new TypeError(`${name}: ${path} ${message}`);
  });
  const entries = Object.entries(columns);
  checked.set(columns, entries);
  return entries;
}
