import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { prepareCel } from "../../../src/cel/cel.js";
import { readPaths } from "../../../src/cel/check/read-paths.js";
import { createCelEngine } from "../../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../../src/proto.js";
import { reduceMessage } from "../../support/reduce-message.js";

function pathsOf(expression: string): readonly string[] {
  const { checked, environment } = prepareCel(expression, {
    variables: { _flow: FlowSchema, other: "int" },
    container: "flow",
  });
  return readPaths(checked, environment.registry, "_flow", FlowSchema);
}

describe("readPaths", () => {
  test.each([
    { expression: "true", paths: [] },
    { expression: "other == 1", paths: [] },
    { expression: "Verdict.DROPPED == 2", paths: [] },
    { expression: "_flow.verdict == Verdict.DROPPED", paths: ["verdict"] },
    { expression: "_flow.is_reply == null || _flow.Summary == ''", paths: ["Summary", "is_reply"] },
    { expression: "_flow.source.identity == 1u", paths: ["source.identity"] },
    { expression: "_flow.IP.source.startsWith('10.')", paths: ["IP.source"] },
    { expression: "int(_flow.l4.TCP.destination_port) == other", paths: ["l4.TCP.destination_port"] },
    { expression: "_flow.l4.TCP.flags.SYN", paths: ["l4.TCP.flags.SYN"] },
    { expression: "_flow.time.getSeconds() > 0", paths: ["time"] },
    { expression: "_flow.time > timestamp('2024-01-01T00:00:00Z')", paths: ["time"] },
    // Presence.
    { expression: "has(_flow.source)", paths: ["source"] },
    { expression: "has(_flow.l4.TCP)", paths: ["l4.TCP"] },
    { expression: "has(_flow.source.labels)", paths: ["source.labels"] },
    { expression: "has(_flow.source) && _flow.source.identity == 1u", paths: ["source"] },
    // Messages as values.
    { expression: "_flow == Flow{}", paths: [""] },
    { expression: "type(_flow) == Flow && _flow.verdict == 1", paths: [""] },
    { expression: "dyn(_flow).verdict == 1", paths: [""] },
    { expression: "_flow.source == _flow.destination", paths: ["destination", "source"] },
    { expression: "_flow.source in [Endpoint{}]", paths: ["source"] },
    { expression: "Flow{source: _flow.source}.source.identity == 1u", paths: ["source"] },
    { expression: "{'a': _flow.l7}['a'].http.code == 1u", paths: ["l7"] },
    { expression: "_flow.extensions.verdict == 1", paths: ["extensions"] },
    // Values that are chosen.
    {
      expression: "(_flow.verdict == 1 ? _flow.source : _flow.destination).identity == 1u",
      paths: ["destination.identity", "source.identity", "verdict"],
    },
    {
      expression: "(_flow.verdict == 1 ? _flow.source.labels : _flow.node_labels).size() == 0",
      paths: ["node_labels", "source.labels", "verdict"],
    },
    {
      expression: "[_flow.source, _flow.destination][0].identity == 1u",
      paths: ["destination.identity", "source.identity"],
    },
    { expression: "[_flow.verdict, other][other] == 1", paths: ["verdict"] },
    // Lists.
    { expression: "'k8s:app=web' in _flow.source.labels", paths: ["source.labels"] },
    { expression: "_flow.source.labels[0] == 'a'", paths: ["source.labels"] },
    { expression: "_flow.source.labels.exists(l, l.startsWith('k8s:'))", paths: ["source.labels"] },
    {
      expression: "_flow.source.labels.exists(l, l in _flow.destination.labels)",
      paths: ["destination.labels", "source.labels"],
    },
    { expression: "_flow.source.workloads[0].name == 'web'", paths: ["source.workloads.name"] },
    {
      expression: "_flow.source.workloads[int(_flow.verdict)] == Workload{}",
      paths: ["source.workloads", "verdict"],
    },
    { expression: "size(_flow.source.workloads) > 1", paths: ["source.workloads"] },
    { expression: "_flow.source.workloads.exists(w, w.name == 'web')", paths: ["source.workloads.name"] },
    { expression: "_flow.source.workloads.all(w, has(w.kind))", paths: ["source.workloads.kind"] },
    { expression: "_flow.source.workloads.exists_one(w, true)", paths: ["source.workloads"] },
    { expression: "_flow.source.workloads.map(w, w.name) == ['web']", paths: ["source.workloads.name"] },
    {
      expression: "_flow.source.workloads.map(w, w.name == 'a', w.kind) == []",
      paths: ["source.workloads.kind", "source.workloads.name"],
    },
    {
      expression: "_flow.source.workloads.filter(w, w.name == 'a').size() == 1",
      paths: ["source.workloads"],
    },
    {
      expression: "_flow.source.workloads.filter(w, w.name == 'a')[0].kind == ''",
      paths: ["source.workloads.kind", "source.workloads.name"],
    },
    {
      expression: "[_flow.source, _flow.destination].exists(e, e.namespace == 'a')",
      paths: ["destination.namespace", "source.namespace"],
    },
    {
      expression: "[_flow.source, _flow.destination].exists(e, e.workloads.exists(w, w.name == 'a'))",
      paths: ["destination.workloads.name", "source.workloads.name"],
    },
    {
      expression: "_flow.l7.http.headers.exists(h, h.key == 'x' && h.value == '1')",
      paths: ["l7.http.headers.key", "l7.http.headers.value"],
    },
    // A variable of a macro hides the flow.
    { expression: "['a'].exists(_flow, _flow == 'a')", paths: [] },
    { expression: "[1].exists(x, _flow.verdict == x)", paths: ["verdict"] },
  ])("$expression: $paths", ({ expression, paths }) => {
    expect(pathsOf(expression)).toEqual(paths);
  });
});

interface Vector {
  readonly allow: JsonObject[];
  readonly deny: JsonObject[];
  readonly flow?: JsonObject | null;
}

const vectors = gunzipSync(readFileSync(join(import.meta.dirname, "../../vectors/flow-filters.jsonl.gz")))
  .toString()
  .trimEnd()
  .split("\n")
  .filter((line) => /cel_?expression/i.test(line))
  .map((line): Vector => JSON.parse(line));

function expressionsOf({ allow, deny }: Vector): string[] {
  return [...allow, ...deny].flatMap((filter) => {
    const experimental = filter.experimental as
      | { celExpression?: string[]; cel_expression?: string[] }
      | undefined;
    return experimental?.celExpression ?? experimental?.cel_expression ?? [];
  });
}

describe("createCelEngine: the fields that a predicate reads", () => {
  const engine = createCelEngine();
  const flows = vectors.flatMap(({ flow }) => (flow ? [fromJson(FlowSchema, flow)] : []));
  const answer = (matches: (flow: Flow) => boolean, flow: Flow) => {
    try {
      return String(matches(flow));
    } catch (error) {
      return String(error);
    }
  };

  test("are sufficient for every recorded expression", () => {
    const expressions = [...new Set(vectors.flatMap(expressionsOf))];
    let compiled = 0;
    let narrowed = 0;
    const wrong = expressions.filter((expression, position) => {
      let matches: ReturnType<typeof engine.compile>;
      try {
        matches = engine.compile(expression);
      } catch {
        return false;
      }
      compiled++;
      const reads = matches.reads!;
      if (!reads.includes("")) narrowed++;
      return flows.some((flow, index) => {
        // All expressions with some flows, and each with its own.
        if ((index + position) % 20 !== 0) return false;
        return answer(matches, flow) !== answer(matches, reduceMessage(FlowSchema, flow, reads));
      });
    });
    expect(wrong).toEqual([]);
    expect(compiled).toBeGreaterThan(400);
    expect(narrowed).toBeGreaterThan(0.8 * compiled);
  });

  test("are sufficient for every recorded expression and its own flow", () => {
    const wrong = vectors.flatMap((vector) => {
      if (!vector.flow) return [];
      const flow = fromJson(FlowSchema, vector.flow);
      return expressionsOf(vector).filter((expression) => {
        let matches: ReturnType<typeof engine.compile>;
        try {
          matches = engine.compile(expression);
        } catch {
          return false;
        }
        return answer(matches, flow) !== answer(matches, reduceMessage(FlowSchema, flow, matches.reads!));
      });
    });
    expect(wrong).toEqual([]);
  });
});
