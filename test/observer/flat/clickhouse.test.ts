import { describe, expect, test } from "vitest";
import { clickhouseTable, FLOW_COLUMNS, type FlatColumns } from "../../../src/observer/index.js";

const value = () => undefined;

describe("clickhouseTable", () => {
  test("has a column of a suitable type for each of the table, sorted by time", () => {
    const { time, verdict, is_reply, source_labels } = FLOW_COLUMNS;
    expect(clickhouseTable({ time, verdict, is_reply, source_labels })).toBe(
      [
        "CREATE TABLE flows (",
        "  `time` DateTime64(9, 'UTC'),",
        "  `verdict` LowCardinality(String),",
        "  `is_reply` Nullable(UInt8),",
        "  `source_labels` Array(String)",
        ") ENGINE = MergeTree",
        "PARTITION BY toDate(time)",
        "ORDER BY (time)",
      ].join("\n"),
    );
  });

  test("has the engine, keys and types of the options", () => {
    const columns: FlatColumns = { "a`b\\c": { type: "enum", value } };
    const options = {
      ...{ table: "hubble.flows", engine: "ReplacingMergeTree", orderBy: "(`a`)", suffix: "TTL x" },
      ...{ partitionBy: "y", types: { enum: "String" } },
    };
    expect(clickhouseTable(columns, options)).toBe(
      "CREATE TABLE hubble.flows (\n  `a\\`b\\\\c` String\n) ENGINE = ReplacingMergeTree\nPARTITION BY y\nORDER BY (`a`)\nTTL x",
    );
  });

  test("without a time, rows are not sorted", () => {
    expect(clickhouseTable({ a: { type: "uint8", value } })).toBe(
      "CREATE TABLE flows (\n  `a` UInt8\n) ENGINE = MergeTree\nORDER BY tuple()",
    );
  });

  test("rejects unknown options and types", () => {
    expect(() => clickhouseTable(FLOW_COLUMNS, { types: { text: "String" } } as never)).toThrow("types.text");
    expect(() => clickhouseTable([] as never)).toThrow("clickhouseTable: columns must be an object");
  });
});
