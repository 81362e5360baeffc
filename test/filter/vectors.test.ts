import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../src/errors/errors.js";
import {
  compileFlowFilters,
  explainFlowFilters,
  type FlowEvent,
  type FlowFilterInit,
  type FlowFilterLists,
} from "../../src/filter/index.js";
import {
  AgentEventSchema,
  DebugEventSchema,
  FlowFilterSchema,
  FlowSchema,
  LostEventSchema,
} from "../../src/proto.js";
import { everyNth, nth } from "../support/amount.js";

/** One answer of the real Hubble filters; filters and events are protobuf JSON. */
interface Vector {
  readonly id: string;
  readonly field: string;
  readonly tag: string;
  readonly allow: JsonObject[];
  readonly deny: JsonObject[];
  readonly flow?: JsonObject | null;
  readonly lost_event?: JsonObject;
  readonly agent_event?: JsonObject;
  readonly debug_event?: JsonObject;
  readonly expect: boolean | "error";
  readonly error?: string;
}

const text = gunzipSync(
  readFileSync(join(import.meta.dirname, "../vectors/flow-filters.jsonl.gz")),
).toString();
const lines = text.trimEnd().split("\n");
const vectors = lines.map((line): Vector => JSON.parse(line));
const hasCel = (vector: Vector) => /cel_?expression/i.test(JSON.stringify([vector.allow, vector.deny]));
const withCel = vectors.filter(hasCel);
const STEP = 11;
const sample = everyNth(STEP, vectors);
const byField = groupBy(sample);

/** Texts of syntax errors in CEL are those of another parser: what comes before them counts. */
const SYNTAX = /(?=ERROR: <input>:\d+:\d+: Syntax error: )/;

function groupBy(all: readonly Vector[]): Map<string, Vector[]> {
  const groups = new Map<string, Vector[]>();
  for (const vector of all) groups.set(vector.field, [...(groups.get(vector.field) ?? []), vector]);
  return groups;
}

function eventOf(vector: Vector): FlowEvent {
  if (vector.flow) return fromJson(FlowSchema, vector.flow);
  if (vector.lost_event) return fromJson(LostEventSchema, vector.lost_event);
  if (vector.agent_event) return fromJson(AgentEventSchema, vector.agent_event);
  if (vector.debug_event) return fromJson(DebugEventSchema, vector.debug_event);
  return undefined;
}

/** What is expected, in the form of {@link answer}. */
function expected({ expect: answer, error = "" }: Vector): string {
  if (answer !== "error") return String(answer);
  return `error: ${withoutSyntax(error)}`;
}

function withoutSyntax(error: string): string {
  const prefix = SYNTAX.exec(error);
  return prefix === null ? error : error.slice(0, prefix.index + prefix[0].length);
}

function answer(lists: FlowFilterLists, event: FlowEvent): string {
  try {
    return String(compileFlowFilters(lists)(event));
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return `error: ${withoutSyntax(error.issues[0]?.message ?? "")}`;
  }
}

/** The same filters as messages, and as plain init objects. */
function asMessages(filters: readonly JsonObject[]): FlowFilterInit[] {
  return filters.map((filter) => {
    const message = fromJson(FlowFilterSchema, filter);
    return fromBinary(FlowFilterSchema, toBinary(FlowFilterSchema, message));
  });
}

function asInits(filters: readonly JsonObject[]): FlowFilterInit[] {
  return asMessages(filters).map((message) => withoutTypes(message) as FlowFilterInit);
}

function withoutTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypes);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => !name.startsWith("$"));
  return Object.fromEntries(entries.map(([name, content]) => [name, withoutTypes(content)]));
}

describe("compileFlowFilters: recorded results of Hubble", () => {
  test("are complete", () => {
    expect(vectors.length).toBe(11_658);
    expect(withCel.length).toBe(1295);
  });

  test("include expressions that do not compile, mostly with cel-go's messages", () => {
    const errors = withCel.filter((vector) => vector.expect === "error");
    const own = errors.filter(({ error = "" }) => withoutSyntax(error) === error);
    expect({ errors: errors.length, own: own.length }).toEqual({ errors: 240, own: 203 });
  });

  test.each([...byField])(`%s${nth(STEP)}`, (_field, own) => {
    const wrong = own.flatMap((vector) => {
      const event = eventOf(vector);
      const forms = [
        { allow: vector.allow, deny: vector.deny },
        { allow: asMessages(vector.allow), deny: asMessages(vector.deny) },
        { allow: asInits(vector.allow), deny: asInits(vector.deny) },
      ];
      return forms.flatMap((lists, form) => {
        const got = answer(lists as FlowFilterLists, event);
        return got === expected(vector)
          ? []
          : [`${vector.id} form ${form}: wanted ${expected(vector)}, got ${got}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  test(`are explained alike${nth(STEP)}`, () => {
    const compiling = sample.filter((vector) => vector.expect !== "error");
    const wrong = compiling.filter((vector) => {
      const lists = { allow: vector.allow, deny: vector.deny } as FlowFilterLists;
      const explanation = explainFlowFilters(lists, eventOf(vector));
      const verdict = vector.expect ? " passes: " : " does not pass: ";
      return (
        explanation.passes !== vector.expect || !String(explanation).split("\n", 1)[0]!.includes(verdict)
      );
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  test(`do not depend on the order within a list${nth(STEP)}`, () => {
    const reversed = (filter: JsonObject): JsonObject =>
      Object.fromEntries(
        Object.entries(filter).map(([name, values]) => [
          name,
          Array.isArray(values) ? values.slice().reverse() : values,
        ]),
      );
    const compiling = sample.filter((vector) => vector.expect !== "error");
    const wrong = compiling.filter((vector) => {
      const lists = {
        allow: vector.allow.slice().reverse().map(reversed),
        deny: vector.deny.slice().reverse().map(reversed),
      } as FlowFilterLists;
      return answer(lists, eventOf(vector)) !== String(vector.expect);
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });
});
