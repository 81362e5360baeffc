import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { create, type DescField, type DescMessage, fromJson, type JsonObject } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileLists } from "../../src/filter/compile.js";
import type { FieldTest } from "../../src/filter/field.js";
import { type CelEngine, FILTER_FIELDS, type FlowFilterInit } from "../../src/filter/index.js";
import { compileFilters, type ListedFilter } from "../../src/filter/list-index/compile-group.js";
import { type Flow, type FlowFilter, FlowSchema } from "../../src/proto.js";
import { reduceMessage } from "../support/reduce-message.js";
import { anyFlow, flowAndFilter, sensibleFilter } from "./arbitrary.js";

interface Vector {
  readonly allow: JsonObject[];
  readonly deny: JsonObject[];
  readonly flow?: JsonObject | null;
}

const vectors = gunzipSync(readFileSync(join(import.meta.dirname, "../vectors/flow-filters.jsonl.gz")))
  .toString()
  .trimEnd()
  .split("\n")
  .map((line): Vector => JSON.parse(line));

/** Whatever the expression. */
const cel: CelEngine = { compile: () => (flow) => flow.source?.identity === 7 };

/** The filters with one field, the fields in `reads`, and those that were read. */
class Reads {
  readonly declared = new Set<string>();
  readonly seen = new Set<string>();
  readonly compared: { readonly filter: ListedFilter; readonly flow: Flow }[] = [];
  /** Filters whose answer for a reduced flow differs. */
  readonly insufficient: unknown[] = [];
  matched = 0;

  watch(message: FlowFilter, fieldTest: FieldTest, flow: Flow): void {
    for (const path of fieldTest.reads) this.declared.add(path);
    fieldTest.matches(recording(flow, FlowSchema, "", this.seen));
    const matches = fieldTest.matches(flow);
    if (matches) this.matched++;
    if (fieldTest.matches(reduceMessage(FlowSchema, flow, fieldTest.reads)) !== matches)
      this.insufficient.push({ message, flow });
    this.compared.push({ filter: { message, tests: [fieldTest] }, flow });
  }
}

/** By the field; all that has been compiled held against its flow. */
const reads = new Map(FILTER_FIELDS.map((field) => [field, new Reads()]));

function watch(filters: readonly unknown[], flow: Flow): void {
  for (const filter of filters) {
    const { allow, issues } = compileLists({ allow: [filter as FlowFilterInit] }, { cel });
    if (issues.length > 0) continue;
    for (const { message, fields } of allow) {
      for (const { field, test } of fields) reads.get(field)?.watch(message, test, flow);
    }
  }
}

for (const { allow, deny, flow } of vectors) {
  if (flow) watch([...allow, ...deny], fromJson(FlowSchema, flow));
}
for (const { flow, filter } of fc.sample(flowAndFilter, 2000)) watch([filter], flow);
for (const [flow, filter] of fc.sample(fc.tuple(anyFlow, sensibleFilter), 2000)) watch([filter], flow);

describe("FieldTest.reads", () => {
  test.each(FILTER_FIELDS)("%s", (field) => {
    const { declared, seen } = reads.get(field)!;
    const isCovered = (path: string) =>
      // To get at a field its message is looked at, too.
      [...declared].some((one) => holds(one, path) || holds(path, one));
    expect([...seen].filter((path) => !isCovered(path))).toEqual([]);
    expect([...declared].filter((one) => ![...seen].some((path) => holds(one, path)))).toEqual([]);
    expect(declared.size).toBeGreaterThan(0);
  });

  test.each(FILTER_FIELDS)("%s names fields of a flow", (field) => {
    const flow = create(FlowSchema);
    expect(() => reduceMessage(FlowSchema, flow, [...reads.get(field)!.declared])).not.toThrow();
  });

  test.each(FILTER_FIELDS)("%s is sufficient for a filter", (field) => {
    const { insufficient, matched, compared } = reads.get(field)!;
    expect(insufficient).toEqual([]);
    expect(matched).toBeGreaterThan(0);
    expect(matched).toBeLessThan(compared.length);
  });

  test.each(FILTER_FIELDS)("%s is sufficient for the index over a list", (field) => {
    const { compared } = reads.get(field)!;
    const step = Math.ceil(compared.length / LISTS);
    let passing = 0;
    for (let start = 0; start < LISTS; start++) {
      // Filters and flows from all over, as neighbours are alike.
      const some = compared.filter((_, index) => index % step === start).slice(0, 60);
      const passes = compileFilters(some.map(({ filter }) => filter));
      const paths = some.flatMap(({ filter }) => filter.tests.flatMap((one) => one.reads));
      for (const { flow } of some) {
        const isListed = some.some(({ filter }) => filter.tests[0]!.matches(flow));
        if (isListed) passing++;
        expect(passes(flow)).toBe(isListed);
        expect(passes(reduceMessage(FlowSchema, flow, paths))).toBe(isListed);
      }
    }
    expect(passing).toBeGreaterThan(0);
  });
});

/** The number of lists per field. */
const LISTS = 40;

/** Whether the second path is the first, or one of a field below it. */
function holds(outer: string, path: string): boolean {
  return outer === "" || path === outer || path.startsWith(`${outer}.`);
}

/** A message that notes the path of every field that is read; for a oneof that of its message, which names the set field. */
function recording<T extends object>(message: T, schema: DescMessage, path: string, seen: Set<string>): T {
  const below = (field: DescField, value: unknown): unknown => {
    const own = path === "" ? field.name : `${path}.${field.name}`;
    seen.add(own);
    const type = field.message;
    if (type === undefined || typeof value !== "object" || value === null) return value;
    if (!Array.isArray(value)) return recording(value, type, own, seen);
    return value.map((element) => recording(element as object, type, own, seen));
  };
  return new Proxy(message, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      const field = schema.fields.find(({ localName }) => localName === name);
      if (field !== undefined) return below(field, value);
      if (!schema.oneofs.some(({ localName }) => localName === name)) return value;
      const one = value as { readonly case: string | undefined; readonly value?: unknown };
      const member = schema.fields.find(({ localName }) => localName === one.case);
      return {
        get case() {
          if (path !== "") seen.add(path);
          return one.case;
        },
        get value() {
          return member === undefined ? undefined : below(member, one.value);
        },
      };
    },
  });
}
