// Recorded results of Hubble's filters, and how ours are compared with them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { FilterError } from "../../src/errors/errors.js";
import {
  compileFlowFilters,
  type FlowEvent,
  type FlowFilterInit,
  type FlowFilterLists,
  type FlowFilterOptions,
} from "../../src/filter/index.js";
import {
  AgentEventSchema,
  DebugEventSchema,
  FlowFilterSchema,
  FlowSchema,
  LostEventSchema,
} from "../../src/proto.js";

/** One result of the real Hubble filters; filters and events are protobuf JSON. */
export interface Vector {
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

/** The vectors in a file of test/vectors. */
export function readVectors(name: "flow-filters" | "flow-filters-1.19"): Vector[] {
  const bytes = readFileSync(join(import.meta.dirname, `../vectors/${name}.jsonl.gz`));
  const lines = gunzipSync(bytes).toString().trimEnd().split("\n");
  return lines.map((line): Vector => JSON.parse(line));
}

export function byField(all: readonly Vector[]): [field: string, vectors: Vector[]][] {
  const groups = new Map<string, Vector[]>();
  for (const vector of all) groups.set(vector.field, [...(groups.get(vector.field) ?? []), vector]);
  return [...groups];
}

export function eventOf(vector: Vector): FlowEvent {
  if (vector.flow) return fromJson(FlowSchema, vector.flow);
  if (vector.lost_event) return fromJson(LostEventSchema, vector.lost_event);
  if (vector.agent_event) return fromJson(AgentEventSchema, vector.agent_event);
  if (vector.debug_event) return fromJson(DebugEventSchema, vector.debug_event);
  return undefined;
}

/** The lists as JSON, as messages, and as plain init objects. */
export function formsOf({ allow, deny }: Vector): FlowFilterLists[] {
  return [
    { allow, deny } as FlowFilterLists,
    { allow: asMessages(allow), deny: asMessages(deny) },
    { allow: asInits(allow), deny: asInits(deny) },
  ];
}

/** What is expected, in the form of {@link answer}. */
export function expected({ expect: answer, error = "" }: Vector): string {
  if (answer !== "error") return String(answer);
  return `error: ${withoutSyntax(error)}`;
}

export function answer(lists: FlowFilterLists, event: FlowEvent, options: FlowFilterOptions = {}): string {
  try {
    return String(compileFlowFilters(lists, options)(event));
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return `error: ${withoutSyntax(error.issues[0]?.message ?? "")}`;
  }
}

/** Texts of syntax errors in CEL are those of another parser: what comes before them counts. */
const SYNTAX = /(?=ERROR: <input>:\d+:\d+: Syntax error: )/;

export function withoutSyntax(error: string): string {
  const prefix = SYNTAX.exec(error);
  return prefix === null ? error : error.slice(0, prefix.index + prefix[0].length);
}

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
