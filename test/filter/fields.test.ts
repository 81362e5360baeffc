import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, compileFlowFilters, type RegexEngine } from "../../src/filter/index.js";
import { type Flow, FlowSchema } from "../../src/proto.js";

function flowOf(workloads: readonly { name: string; kind: string }[]): Flow {
  return create(FlowSchema, { source: { workloads: [...workloads] } });
}

describe("compileFlowFilter: workloads", () => {
  const text = fc.constantFrom("", "a", "b");
  const workload = fc.record({ name: text, kind: text });

  test("match as if each were compared alone", () => {
    fc.assert(
      fc.property(fc.array(workload, { minLength: 1 }), fc.array(workload), (wanted, own) => {
        const expected = own.some(({ name, kind }) =>
          wanted.some(
            (one) => (one.name === "" || one.name === name) && (one.kind === "" || one.kind === kind),
          ),
        );
        expect(compileFlowFilter({ sourceWorkload: wanted })(flowOf(own))).toBe(expected);
      }),
    );
  });
});

describe("compileFlowFilter: methods", () => {
  test("fold case in short and in long lists", () => {
    const many = Array.from({ length: 50 }, (_, index) => `METHOD${index}`);
    for (const method of ["post", "POſT", "Post", "PUT", "", "method49", "ΜETHOD1"]) {
      const flow = create(FlowSchema, { l7: { record: { case: "http", value: { method } } } });
      const few = compileFlowFilter({ httpMethod: ["POST"] })(flow);
      const together = compileFlowFilter({ httpMethod: ["POST", ...many] })(flow);
      expect(together).toBe(few || /^method[0-9]+$/.test(method));
    }
  });
});

describe("compileFlowFilter: the predicate never throws", () => {
  const failing: RegexEngine = {
    compile: () => () => {
      throw new Error("boom");
    },
  };

  test("with an engine that throws", () => {
    const flow = create(FlowSchema, { l7: { record: { case: "dns", value: { query: "xay" } } } });
    expect(compileFlowFilter({ dnsQuery: ["x[a-z]y"] }, { regex: failing })(flow)).toBe(false);
  });

  test("for null", () => {
    expect(compileFlowFilter({ verdict: [1] })(null as unknown as undefined)).toBe(false);
  });
});

test("compileFlowFilters: distinguishes filters with the same pod by their ports", () => {
  let reads = 0;
  const filters = Array.from({ length: 1000 }, (_, index) => ({
    sourcePod: ["shop/"],
    destinationPort: [String(index + 1)],
  }));
  const endpoint = new Proxy(create(FlowSchema, { source: { namespace: "shop", podName: "x" } }).source!, {
    get: (target, name, receiver) => {
      reads++;
      return Reflect.get(target, name, receiver);
    },
  });
  const flow = create(FlowSchema, { l4: { protocol: { case: "TCP", value: { destinationPort: 1000 } } } });
  flow.source = endpoint;
  const predicate = compileFlowFilters({ allow: filters });
  expect(predicate(flow)).toBe(true);
  expect(reads).toBeLessThan(10);
});
