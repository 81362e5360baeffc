import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CelError } from "../../src/cel/index.js";
import { FilterError } from "../../src/errors/errors.js";
import { compileFlowFilters, createCelEngine, type FlowFilterLists } from "../../src/filter/index.js";
import { NAMES_SINCE_1_17 } from "../../src/hubble/names-since-1-17.js";
import type { HubbleVersion } from "../../src/hubble/version.js";
import { FlowSchema } from "../../src/proto.js";
import { fieldRows, releases, valueRows } from "../proto/tables.js";
import { everyNth, nth } from "../support/amount.js";
import { readVectors, type Vector } from "./recorded.js";

/** Those with a flow. */
const flowVectors = (name: Parameters<typeof readVectors>[0]): Vector[] =>
  readVectors(name).filter(({ flow }) => flow !== undefined && flow !== null);

const newer = flowVectors("flow-filters-1.19");
const older = flowVectors("flow-filters");
const answeredAnew = new Set(newer.map(({ id }) => id));

function answer({ allow, deny, flow }: Vector, hubble: HubbleVersion): string {
  try {
    return String(
      compileFlowFilters({ allow, deny } as FlowFilterLists, { hubble })(fromJson(FlowSchema, flow!)),
    );
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return shown(error.issues[0]?.message ?? "");
  }
}

/** Texts of syntax errors in CEL are those of another parser: their position counts. */
function shown(fault: string): string {
  const syntax = /ERROR: <input>:\d+:\d+: Syntax error: /.exec(fault);
  return `error: ${syntax === null ? fault : fault.slice(0, syntax.index + syntax[0].length)}`;
}

function wrongAnswers(vectors: readonly Vector[]): string[] {
  return vectors.flatMap((vector) => {
    const wanted = vector.expect === "error" ? shown(vector.error ?? "") : String(vector.expect);
    const got = answer(vector, "1.19");
    return got === wanted ? [] : [`${vector.id}: wanted ${wanted}, got ${got}`];
  });
}

/** Syntax errors that our parser finds one or two characters later than cel-go's, in both versions. */
const OTHER_POSITION = ["pub/cel/569", "pub/cel/575", "pub/cel/632"];

describe("compileFlowFilters: recorded results of Hubble 1.19", () => {
  test.each([
    {
      name: "classes of regular expressions",
      count: 182,
      isMeant: ({ tag }: Vector) => tag === "regex_class",
    },
    { name: "URLs", count: 39, isMeant: ({ field }: Vector) => field === "http_path" },
    { name: "CEL expressions", count: 65, isMeant: ({ field }: Vector) => field === "cel" },
  ])("$name", ({ count, isMeant }) => {
    const vectors = newer.filter(isMeant);
    expect(vectors.length).toBe(count);
    expect(wrongAnswers(vectors)).toEqual([]);
  });

  test.each(["http_path", "http_url", "dns_query", "cel"])(`%s: as Hubble 1.16${nth(11)}`, (field) => {
    const same = older.filter(
      ({ id, ...vector }) => vector.field === field && !answeredAnew.has(id) && !OTHER_POSITION.includes(id),
    );
    expect(same.length).toBeGreaterThan(100);
    expect(wrongAnswers(everyNth(11, same))).toEqual([]);
  });
});

describe("compileFlowFilters: what 1.19 accepts and 1.16 does not", () => {
  const flow = { event_type: { type: 129 }, l7: { http: { url: "http://[abc]/x" } } };
  test.each<{ name: string; filter: JsonObject; flow?: JsonObject; answers: [string, string] }>([
    {
      name: "regexClasses",
      filter: { dns_query: ["^\\p{Letter}$"] },
      flow: { l7: { dns: { query: "a" } } },
      answers: [
        "error: invalid DNS query filter: failed to compile regexp: error parsing regexp: invalid character class range: `\\p{Letter}`",
        "true",
      ],
    },
    {
      name: "regexClasses in CEL",
      filter: { experimental: { cel_expression: ["_flow.uuid.matches('^\\\\p{lu}$')"] } },
      flow: { uuid: "A" },
      answers: ["false", "true"],
    },
    {
      name: "regexClasses in CEL, in a pattern of the flow",
      filter: { experimental: { cel_expression: ["_flow.uuid.matches(_flow.node_name)"] } },
      flow: { uuid: "A", node_name: "^\\p{lu}$" },
      answers: ["false", "true"],
    },
    { name: "urlHosts", filter: { http_path: ["."] }, flow, answers: ["true", "false"] },
    {
      name: "cel",
      filter: { experimental: { cel_expression: [""] } },
      answers: [
        "error: error compiling CEL expression: ERROR: <input>:1:1: Syntax error: ",
        "error: error compiling CEL expression: ERROR: <input>:1:0: Syntax error: ",
      ],
    },
    {
      name: "celNames",
      filter: { experimental: { cel_expression: ["has(_flow.file)"] } },
      answers: [
        "error: error compiling CEL expression: ERROR: <input>:1:4: undefined field 'file'\n | has(_flow.file)\n | ...^",
        "false",
      ],
    },
  ])("$name", ({ filter, flow = {}, answers }) => {
    const vector = { id: "", field: "", tag: "", allow: [filter], deny: [], flow, expect: true };
    expect([answer(vector, "1.16"), answer(vector, "1.19")]).toEqual(answers);
  });

  test("many patterns are indexed as each version reads them", () => {
    const allow = Array.from({ length: 40 }, (_, index) => ({ httpPath: [`^/${index}\\p{Nd}$`] }));
    for (const hubble of ["1.16", "1.19"] as const) {
      const matches = compileFlowFilters({ allow }, { hubble });
      const of = (url: string) => matches(fromJson(FlowSchema, { l7: { http: { url } } }));
      expect([of("http://h/77"), of("http://[::1]/77"), of("http://[a]/77")]).toEqual([
        true,
        true,
        hubble === "1.16",
      ]);
    }
  });
});

describe("createCelEngine: the option hubble", () => {
  const faultOf = (expression: string, hubble?: HubbleVersion) => {
    try {
      createCelEngine(hubble === undefined ? {} : { hubble }).compile(expression);
      return "";
    } catch (error) {
      if (error instanceof CelError) return error.issues.map(({ message }) => message).join("; ");
      throw error;
    }
  };

  test.each([
    ["_flow.tunnel.vni > 5u", "undefined field 'tunnel'"],
    ["_flow.l4.VRRP.vrid == 5u", "undefined field 'VRRP'"],
    ["_flow.egress_allowed_by.all(p, p.kind == '')", "undefined field 'kind'"],
    ["flow.Tunnel.Protocol.VXLAN == 1", "undeclared reference to 'flow' (in container 'flow')"],
    ["DropReason.DROP_PUNT_PROXY == 205", "undeclared reference to 'DropReason' (in container 'flow')"],
    ["Emitter{} == Emitter{}", "undeclared reference to 'Emitter' (in container 'flow')"],
    ["type(_flow) == Emitter", "undeclared reference to 'Emitter' (in container 'flow')"],
    ["Flow{file: null} == _flow", "undefined field 'file'"],
  ])("1.16 does not know the names in %s", (expression, fault) => {
    expect(faultOf(expression)).toContain(fault);
    expect(faultOf(expression, "1.16")).toContain(fault);
    expect(faultOf(expression, "1.19")).toBe("");
  });

  test("1.16 does not read newer fields of values without a type", () => {
    const flow = fromJson(FlowSchema, { file: { name: "x" } });
    const of = (hubble: HubbleVersion) => createCelEngine({ hubble }).compile("dyn(_flow).file.name == 'x'");
    expect(() => of("1.16")(flow)).toThrow("no such field 'file'");
    expect(of("1.19")(flow)).toBe(true);
  });

  test("rejects an unknown version", () => {
    expect(() => createCelEngine({ hubble: "1.17" as "1.16" })).toThrow("hubble");
  });
});

test("NAMES_SINCE_1_17: has every name of package flow that the wire tables know since 1.17 or later", () => {
  const isNew = ([, release]: readonly [string, string]) => release !== "1.16";
  const since = new Map([...releases()].filter(isNew));
  const owners = new Set([...fieldRows.map(({ message }) => message), ...valueRows.map((row) => row.enum)]);
  const names = [...since.keys()].filter(
    (name) =>
      name.startsWith("flow.") && (owners.has(name) || !since.has(name.slice(0, name.lastIndexOf(".")))),
  );
  expect([...NAMES_SINCE_1_17]).toEqual(names.sort());
});
