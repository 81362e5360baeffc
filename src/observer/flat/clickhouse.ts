import { checkOptions, type OptionTable, optionsOf } from "../../errors/check-options.js";
import { aString } from "../../errors/value-checks.js";
import type { ColumnType, FlatColumn, FlatColumns } from "./column.js";
import { columnsOf } from "./flatten.js";
import { FLOW_COLUMNS } from "./flow-columns.js";

/** Options of {@link clickhouseTable}. The strings are SQL, and are inserted unchanged. */
export interface ClickhouseTableOptions {
  /** The name of the table, quoted if necessary; default `flows`. */
  readonly table?: string;
  /** Default `MergeTree`. */
  readonly engine?: string;
  /** Default `toDate(time)` if there is a column `time`, otherwise nothing. `""`: no partitions. */
  readonly partitionBy?: string;
  /** Default `(time)` if there is a column `time`, otherwise `tuple()`. */
  readonly orderBy?: string;
  /** What follows the engine's clauses, such as `TTL toDateTime(time) + INTERVAL 30 DAY`. */
  readonly suffix?: string;
  /** ClickHouse's types instead of the usual ones, for example of releases before 20.1: `{ time: "String" }`. */
  readonly types?: Partial<Readonly<Record<ColumnType, string>>>;
}

const OPTIONS: OptionTable<ClickhouseTableOptions> = {
  table: aString,
  engine: aString,
  partitionBy: aString,
  orderBy: aString,
  suffix: aString,
  types: optionsOf<Partial<Record<ColumnType, string>>>("types", {
    ...{ string: aString, enum: aString, strings: aString, time: aString, bool: aString },
    ...{ int32: aString, uint8: aString, uint16: aString, uint32: aString, uint64: aString },
  }),
};

/** https://clickhouse.com/docs/sql-reference/data-types */
const TYPES: { readonly [K in ColumnType]: string } = {
  string: "String",
  enum: "LowCardinality(String)",
  strings: "Array(String)",
  time: "DateTime64(9, 'UTC')",
  // All releases read the JSON values true and false into it; Bool is a newer name.
  bool: "UInt8",
  int32: "Int32",
  uint8: "UInt8",
  uint16: "UInt16",
  uint32: "UInt32",
  uint64: "UInt64",
};

/**
 * Returns the `CREATE TABLE` statement of ClickHouse for rows of {@link flattenEvent}, without a semicolon. Columns whose
 * missing value differs from 0 are `Nullable`. Rows are inserted with `FORMAT JSONEachRow` and the setting
 * `date_time_input_format=best_effort`.
 *
 * @throws OptionsError; TypeError if `columns` is not a table of columns.
 *
 * @example
 * clickhouseTable(FLOW_COLUMNS, { table: "hubble.flows", orderBy: "(node_name, time)" });
 */
export function clickhouseTable(
  columns: FlatColumns = FLOW_COLUMNS,
  options: ClickhouseTableOptions = {},
): string {
  const entries = columnsOf("clickhouseTable", columns);
  checkOptions("clickhouseTable", options, OPTIONS);
  const hasTime = Object.hasOwn(columns, "time");
  const {
    table = "flows",
    engine = "MergeTree",
    partitionBy = hasTime ? "toDate(time)" : "",
    orderBy = hasTime ? "(time)" : "tuple()",
    suffix = "",
    types = {},
  } = options;
  const lines = entries.map(([name, column]) => `  ${quote(name)} ${typeOf(column, types)}`);
  return [
    `CREATE TABLE ${table} (`,
    lines.join(",\n"),
    `) ENGINE = ${engine}`,
    ...(partitionBy === "" ? [] : [`PARTITION BY ${partitionBy}`]),
    `ORDER BY ${orderBy}`,
    ...(suffix === "" ? [] : [suffix]),
  ].join("\n");
}

function typeOf(
  { type, isNullable = false }: FlatColumn,
  types: NonNullable<ClickhouseTableOptions["types"]>,
): string {
  const name = types[type] ?? TYPES[type];
  return isNullable ? `Nullable(${name})` : name;
}

/** An identifier; backslashes and backticks in it are escaped. */
function quote(name: string): string {
  return `\`${name.replaceAll(/[\\`]/g, "\\$&")}\``;
}
