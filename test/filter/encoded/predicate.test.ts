import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { create, fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileFlowFilter,
  compileFlowFilters,
  createCelEngine,
  type FlowEvent,
  type FlowFilterLists,
  type FlowPredicate,
} from "../../../src/filter/index.js";
import {
  type Flow,
  FlowSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
  LostEventSchema,
} from "../../../src/proto.js";
import { benchmarkFilters, encodedFlows } from "../../bench/inputs/corpus.js";
import { everyNth, nth, runs } from "../../support/amount.js";
import { arbitraryMessage } from "../../support/arbitrary-message.js";
import { mutatedMessage } from "../../support/mutate-message.js";
import { hasOverrun } from "../../support/overruns.js";
import { flowAndFilter, sensibleFilter } from "../arbitrary.js";

const MALFORMED = { name: "FlowscribeError", code: "malformed_message" };

interface Vector {
  readonly id: string;
  readonly allow: JsonObject[];
  readonly deny: JsonObject[];
  readonly flow?: JsonObject | null;
  readonly lost_event?: JsonObject;
  readonly agent_event?: JsonObject;
  readonly debug_event?: JsonObject;
  readonly expect: boolean | "error";
}

const vectors = gunzipSync(readFileSync(join(import.meta.dirname, "../../vectors/flow-filters.jsonl.gz")))
  .toString()
  .trimEnd()
  .split("\n")
  .map((line): Vector => JSON.parse(line))
  .filter(({ expect: answer }) => answer !== "error");
const VECTOR_STEP = 7;
const corpus = encodedFlows();
const FLOW_STEP = 20;

/** An encoded response with an event; undefined if it is of a kind that responses cannot hold. */
function responseWith(event: FlowEvent): Uint8Array | undefined {
  const encode = (responseTypes: GetFlowsResponse["responseTypes"]) =>
    toBinary(GetFlowsResponseSchema, create(GetFlowsResponseSchema, { responseTypes, nodeName: "node" }));
  switch (event?.$typeName) {
    case "flow.Flow":
      return encode({ case: "flow", value: event });
    case "flow.LostEvent":
      return encode({ case: "lostEvents", value: event });
    case undefined:
      return encode({ case: undefined });
    default:
      return undefined;
  }
}

function eventOf({
  flow,
  lost_event: lost,
  agent_event: agent,
  debug_event: debug,
}: Vector): FlowEvent | "other" {
  if (flow) return fromJson(FlowSchema, flow);
  if (lost) return fromJson(LostEventSchema, lost);
  return agent || debug ? "other" : undefined;
}

describe("FlowPredicate.bytes and response", () => {
  test(`return the recorded results of Hubble${nth(VECTOR_STEP)}`, () => {
    let compared = 0;
    const wrong = everyNth(VECTOR_STEP, vectors).filter((vector) => {
      const event = eventOf(vector);
      if (event === "other") return false;
      const matches = compileFlowFilters({ allow: vector.allow, deny: vector.deny } as FlowFilterLists);
      const results = [matches.response(responseWith(event)!)];
      if (event?.$typeName === "flow.Flow") results.push(matches.bytes(toBinary(FlowSchema, event)));
      compared++;
      return results.some((result) => result !== vector.expect);
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
    expect(compared).toBeGreaterThan(1000);
  });

  test.each(benchmarkFilters())(
    `$name: as for decoded flows${nth(FLOW_STEP)}`,
    ({ allow = [], deny = [] }) => {
      const matches = compileFlowFilters({ allow, deny });
      for (const bytes of everyNth(FLOW_STEP, corpus)) {
        const flow = fromBinary(FlowSchema, bytes);
        expect(matches.bytes(bytes)).toBe(matches(flow));
        expect(matches.response(responseWith(flow)!)).toBe(matches(flow));
      }
    },
  );

  test("return the results for decoded events, whatever the encoding", () => {
    const flows = fc.oneof(
      flowAndFilter.map(({ flow, filter }) => ({ bytes: toBinary(FlowSchema, flow), filters: [filter] })),
      fc.record({ bytes: fc.constantFrom(...corpus), filters: fc.array(sensibleFilter, { maxLength: 4 }) }),
    );
    const events = flows.chain(({ bytes, filters }) =>
      fc.record({
        bytes: mutatedMessage(fc.oneof(fc.constant(bytes), fc.constantFrom(...corpus))),
        filters: fc.constant(filters),
        denied: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(events, ({ bytes, filters, denied }) => {
        const matches = compileFlowFilters({ [denied ? "deny" : "allow"]: filters });
        let flow: Flow;
        try {
          flow = fromBinary(FlowSchema, bytes);
        } catch {
          expectMalformedOrResult(() => matches.bytes(bytes));
          return;
        }
        if (hasOverrun(FlowSchema, bytes)) return;
        expect(matches.bytes(bytes)).toBe(matches(flow));
        expect(matches.response(responseWith(flow)!)).toBe(matches(flow));
      }),
      { numRuns: runs(8000) },
    );
  });

  test("response: returns the result for the decoded response, whatever the encoding", () => {
    const responses = arbitraryMessage(GetFlowsResponseSchema).map((response) =>
      toBinary(GetFlowsResponseSchema, response),
    );
    const filters = fc.array(
      fc.oneof(
        sensibleFilter,
        fc.constantFrom({}, { eventType: [{ type: 4 }] }, { sourceLabel: ["!app"] }, { traceId: [""] }),
      ),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(mutatedMessage(responses), filters, (bytes, allow) => {
        const matches = compileFlowFilters({ allow });
        let response: GetFlowsResponse;
        try {
          response = fromBinary(GetFlowsResponseSchema, bytes);
        } catch {
          expectMalformedOrResult(() => matches.response(bytes));
          return;
        }
        if (!hasOverrun(GetFlowsResponseSchema, bytes)) {
          expect(matches.response(bytes)).toBe(matches(response));
        }
      }),
      { numRuns: runs(4000) },
    );
  });

  test("read a part of a buffer", () => {
    const matches = compileFlowFilter({ sourcePod: ["shop/web"] });
    const flow = toBinary(
      FlowSchema,
      create(FlowSchema, { source: { namespace: "shop", podName: "web-1" } }),
    );
    const response = responseWith(fromBinary(FlowSchema, flow))!;
    for (const [name, message] of [
      ["bytes", flow],
      ["response", response],
    ] as const) {
      const buffer = new Uint8Array(message.length + 20).fill(0xff);
      buffer.set(message, 7);
      expect(matches[name](buffer, 7, 7 + message.length)).toBe(true);
      expect(matches[name](buffer.subarray(7), 0, message.length)).toBe(true);
      expect(matches[name](buffer.subarray(0, 7 + message.length), 7)).toBe(true);
      expect(matches[name](message, message.length)).toBe(false);
      expect(() => matches[name](buffer)).toThrow(expect.objectContaining(MALFORMED));
      // The end is within the message, whose last field continues beyond it.
      expect(() => matches[name](buffer, 7, 6 + message.length)).toThrow(expect.objectContaining(MALFORMED));
    }
  });

  test.each([
    ["a nested message that is longer than its length", [0x42, 2, 0x2a, 3, 0x77, 0x65, 0x62, 0x10, 2]],
    ["a message in two parts", [0x42, 5, 0x2a, 3, 0x77, 0x65, 0x62, 0x10, 2, 0x42, 3, 0x1a, 1, 0x61]],
    ["a field with another wire type", [0x10, 2, 0x40, 5, 0x2a, 3, 0x77, 0x65, 0x62]],
    ["an unknown group", [0xfb, 0x0f, 0x08, 1, 0xfc, 0x0f, 0x10, 2, 0x42, 5, 0x2a, 3, 0x77, 0x65, 0x62]],
    ["an overlong length", [0x10, 2, 0x42, 0x85, 0x80, 0x80, 0x00, 0x2a, 3, 0x77, 0x65, 0x62]],
  ])("read what several tests need: %s", (_, list) => {
    const bytes = Uint8Array.from(list);
    const flow = fromBinary(FlowSchema, bytes);
    expect(flow).toMatchObject({ verdict: 2, source: { podName: "web" } });
    const matches = compileFlowFilter({ verdict: ["DROPPED"], sourcePod: ["/web"] });
    expect(matches.bytes(bytes)).toBe(true);
    expect(matches.response(concat(Uint8Array.of(0x0a, bytes.length), bytes))).toBe(true);
    expect(matches.response(responseWith(flow)!)).toBe(true);
  });

  test.each(["bytes", "response", "jsonLine"] as const)("%s rejects buffers without their memory", (name) => {
    const transferred = Uint8Array.of(0x10, 2);
    structuredClone(transferred.buffer, { transfer: [transferred.buffer] });
    // The types of ES2023 do not have resizable buffers, which Node 20 has.
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(length: number): void };
    const resizable = new Resizable(8, { maxByteLength: 8 });
    const shortened = new Uint8Array(resizable, 4, 4);
    resizable.resize(2);
    for (const matches of [compileFlowFilters({}), compileFlowFilter({ verdict: ["DROPPED"] })]) {
      for (const bytes of [transferred, shortened]) {
        expect(() => matches[name](bytes)).toThrow(
          /^\w+: \w+ must not be a view of a buffer that was transferred/,
        );
      }
    }
    expect(compileFlowFilters({}).bytes(new Uint8Array(0))).toBe(true);
  });

  test("index many filters", () => {
    const names = Array.from({ length: 20 }, (_, index) => `pod-${index}-`);
    const allow = names.map((name) => ({ sourcePod: [`shop/${name}`], verdict: ["DROPPED" as const] }));
    const matches = compileFlowFilters({ allow });
    for (const podName of ["pod-1-a", "pod-19-b", "pod-20-c"]) {
      const flow = create(FlowSchema, { source: { namespace: "shop", podName }, verdict: 2 });
      expect(matches.bytes(toBinary(FlowSchema, flow))).toBe(podName !== "pod-20-c");
    }
  });

  test("do not keep fields of the event before", () => {
    const matches = compileFlowFilter({ sourceLabel: ["k8s:app=web"] });
    const flow = create(FlowSchema, { source: { labels: ["k8s:app=web"] } });
    expect(matches.bytes(toBinary(FlowSchema, flow))).toBe(true);
    expect(matches.bytes(toBinary(FlowSchema, create(FlowSchema)))).toBe(false);
    expect(matches.response(responseWith(flow)!)).toBe(true);
    expect(matches.response(responseWith(create(LostEventSchema))!)).toBe(false);
  });

  test("decode everything for CEL, into a flow that the engine may keep", () => {
    const flows: Flow[] = [];
    const inner = createCelEngine();
    const cel = {
      compile: (expression: string) => {
        const matches = inner.compile(expression);
        return (flow: Flow) => {
          flows.push(flow);
          return matches(flow);
        };
      },
    };
    const matches = compileFlowFilter({ experimental: { celExpression: ["_flow.uuid == 'a'"] } }, { cel });
    const encoded = ["a", "b"].map((uuid) => toBinary(FlowSchema, create(FlowSchema, { uuid, verdict: 2 })));
    expect(encoded.map((bytes) => matches.bytes(bytes))).toEqual([true, false]);
    expect(flows.map(({ uuid, verdict }) => `${uuid} ${verdict}`)).toEqual(["a 2", "b 2"]);
  });

  test.each([0, 592, 100_000])("return the same with stringCacheBytes: %d", (stringCacheBytes) => {
    const lists = { allow: [{ sourceLabel: ["app in (frontend, backend)"] }, { sourcePod: ["default/"] }] };
    const matches = compileFlowFilters(lists, { stringCacheBytes });
    for (const bytes of corpus.slice(0, 300)) {
      expect(matches.bytes(bytes)).toBe(matches(fromBinary(FlowSchema, bytes)));
    }
  });

  test.each([
    { stringCacheBytes: -1, message: "stringCacheBytes: must be an integer from 0 to 1073741824, not -1" },
    { stringCacheBytes: 1.5, message: "stringCacheBytes: must be an integer from 0 to 1073741824, not 1.5" },
  ])("reject stringCacheBytes: $stringCacheBytes", ({ stringCacheBytes, message }) => {
    expect(() => compileFlowFilter({}, { stringCacheBytes })).toThrow(message);
  });

  const invalid: readonly (readonly [readonly unknown[], string])[] = [
    [[], "must be a Uint8Array, not undefined"],
    [["flow"], 'must be a Uint8Array, not "flow"'],
    [[new Uint8Array(4), -1], "start must be an integer from 0 to 4, not -1"],
    [[new Uint8Array(4), 5], "start must be an integer from 0 to 4, not 5"],
    [[new Uint8Array(4), "1"], 'start must be an integer from 0 to 4, not "1"'],
    [[new Uint8Array(4), 2, 1], "end must be an integer from 2 to 4, not 1"],
    [[new Uint8Array(4), 0, 5], "end must be an integer from 0 to 4, not 5"],
    [[new Uint8Array(4), 0, Number.NaN], "end must be an integer from 0 to 4, not NaN"],
  ];
  test.each(invalid)("throw a TypeError for the arguments %j", (args, message) => {
    const matches = compileFlowFilter({});
    for (const name of ["bytes", "response"] as const) {
      const call = matches[name] as (...args: readonly unknown[]) => boolean;
      expect(() => call(...args)).toThrow(TypeError);
      expect(() => call(...args)).toThrow(message);
      expect(() => call(...args)).toThrow(`${name}: `);
    }
  });

  test("accept a Uint8Array of another realm", () => {
    const matches: FlowPredicate = compileFlowFilter({ verdict: ["DROPPED"] });
    const foreign: Uint8Array = runInNewContext("Uint8Array.of(0x10, 2)");
    expect(foreign instanceof Uint8Array).toBe(false);
    expect(matches.bytes(foreign)).toBe(true);
  });
});

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function expectMalformedOrResult(evaluate: () => boolean): void {
  try {
    expect(typeof evaluate()).toBe("boolean");
  } catch (error) {
    expect(error).toMatchObject(MALFORMED);
  }
}
