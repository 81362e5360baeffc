import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type CelEngine,
  checkFlowFilters,
  FILTER_FIELDS,
  type FlowFilterInit,
} from "../../src/filter/index.js";
import { FlowFilterSchema } from "../../src/proto.js";
import { repository } from "../support/run.js";

const page = readFileSync(join(repository, "docs/filters.md"), "utf8");
const [, section = ""] = page.split(/^## Fields$/m);
const [table = ""] = section.split(/^## /m);
const rows = [...table.matchAll(/^\| `(\w+)` +\|[^|]+\| `([^`]+)` +\|/gm)].map(
  ([, field = "", example = ""]) => ({ field, example }),
);

const names = new Map(FlowFilterSchema.fields.map(({ localName, name }) => [localName, name]));
const cel: CelEngine = { compile: () => () => true };

describe("docs/filters.md: the table of fields", () => {
  test("has each field once, in the order in which they are compiled", () => {
    expect(rows.map(({ field }) => field)).toEqual(FILTER_FIELDS.map((field) => names.get(field)));
  });

  test.each(rows)("$field: the example compiles", ({ field, example }) => {
    const filter: Record<string, JsonValue> = { [field]: JSON.parse(example) };
    expect(() => fromJson(FlowFilterSchema, filter)).not.toThrow();
    expect(checkFlowFilters({ allow: [filter as FlowFilterInit] }, { cel })).toEqual([]);
  });
});
