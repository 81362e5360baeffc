import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFlowReader } from "../../../src/collect/aggregate/encoded-event.js";
import { compileFlowKey } from "../../../src/collect/aggregate/key.js";
import type { FieldTree } from "../../../src/message/field-tree.js";
import { fieldTree } from "../../../src/message/field-tree.js";
import { decodeFlow, type Flow, FlowSchema, GetFlowsResponseSchema } from "../../../src/proto.js";
import { flow } from "../../../src/testing/index.js";
import { encodedFlows } from "../../bench/inputs/corpus.js";
import { anyFlow } from "../../filter/arbitrary.js";
import { everyNth, nth, runs } from "../../support/amount.js";
import { mutatedMessage } from "../../support/mutate-message.js";
import { hasOverrun } from "../../support/overruns.js";
import { naiveKey } from "./oracle.js";

/** The paths of all fields, also of those inside messages. */
const PATHS = pathsOf(FlowSchema, "").filter((path) => !/^(time|aggregate)(\.|$)/.test(path));

function pathsOf(schema: DescMessage, prefix: string): string[] {
  return schema.fields.flatMap((field) => [
    prefix + field.name,
    ...(field.fieldKind === "message" ? pathsOf(field.message, `${prefix}${field.name}.`) : []),
  ]);
}

const somePaths = fc.uniqueArray(fc.constantFrom(...PATHS), { minLength: 1, maxLength: 4 });
const corpus = encodedFlows();
const STEP = 20;

function keyOf(paths: readonly string[]): (flow: Flow) => string {
  return compileFlowKey(fieldTree(paths) as FieldTree);
}

function responseOf(bytes: Uint8Array): Uint8Array {
  const header = toBinary(GetFlowsResponseSchema, create(GetFlowsResponseSchema, { nodeName: "n" }));
  return Buffer.concat([header, Buffer.from([10]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}

describe("compileFlowKey", () => {
  test("is equal exactly if the masked flows have equal bytes", () => {
    fc.assert(
      fc.property(anyFlow, anyFlow, fc.constantFrom(...PATHS), somePaths, (first, second, path, paths) => {
        for (const list of [[path], paths]) {
          const key = keyOf(list);
          const naive = naiveKey(list);
          expect(key(first) === key(second), list.join()).toBe(naive(first) === naive(second));
        }
      }),
      { numRuns: runs(20_000) },
    );
  });

  test(`is equal for the flows of the corpus exactly if the masked flows have equal bytes${nth(STEP)}`, () => {
    const flows = everyNth(STEP, corpus).map(decodeFlow);
    for (const path of PATHS) {
      const groups = (key: (flow: Flow) => string) => {
        const numbers = new Map<string, number>();
        return flows.map((one) => {
          const text = key(one);
          if (!numbers.has(text)) numbers.set(text, numbers.size);
          return numbers.get(text);
        });
      };
      expect(groups(keyOf([path])), path).toEqual(groups(naiveKey([path])));
    }
  });

  test.each([
    ["an unset message and an empty one", ["source"], { source: {} }, {}, false],
    ["fields of an unset message and of an empty one", ["source.pod_name"], { source: {} }, {}, true],
    ["an unset wrapper and its zero", ["is_reply"], { isReply: false }, {}, false],
    ["the value of an unset wrapper and zero", ["is_reply.value"], { isReply: false }, {}, true],
    [
      "lists in another order",
      ["source_names"],
      { sourceNames: ["a", "b"] },
      { sourceNames: ["b", "a"] },
      false,
    ],
    [
      "lists cut elsewhere",
      ["source_names"],
      { sourceNames: ["ab", "c"] },
      { sourceNames: ["a", "bc"] },
      false,
    ],
    [
      "neighboring strings cut elsewhere",
      ["IP.source", "IP.destination"],
      { IP: { source: "1", destination: "23" } },
      { IP: { source: "12", destination: "3" } },
      false,
    ],
    [
      "another protocol with equal ports",
      ["l4"],
      { l4: { protocol: { case: "TCP", value: { sourcePort: 1 } } } },
      { l4: { protocol: { case: "UDP", value: { sourcePort: 1 } } } },
      false,
    ],
    [
      "a port that another protocol has",
      ["l4.TCP.source_port"],
      { l4: { protocol: { case: "UDP", value: { sourcePort: 1 } } } },
      {},
      true,
    ],
    ["the time", ["verdict"], { time: { seconds: 1n } }, { time: { seconds: 2n } }, true],
  ] as const)("compares %s", (_, paths, first, second, isEqual) => {
    const key = keyOf(paths);
    // The types of the rows are those of init objects.
    const [one, other] = [first, second].map((init) => create(FlowSchema, init as object));
    expect(key(one!) === key(other!)).toBe(isEqual);
    const naive = naiveKey(paths);
    expect(naive(one!) === naive(other!)).toBe(isEqual);
  });

  test("compares unknown fields inside of messages that are selected as a whole", () => {
    const unknown = (byte: number) => ({ no: 1000, wireType: 0, data: Uint8Array.of(byte) });
    const one = flow({ from: "shop/cart" });
    const other = fromBinary(FlowSchema, toBinary(FlowSchema, one));
    other.source!.$unknown = [unknown(1)];
    expect(keyOf(["source"])(one)).not.toBe(keyOf(["source"])(other));
    expect(keyOf(["source.pod_name"])(one)).toBe(keyOf(["source.pod_name"])(other));
  });
});

describe("createFlowReader", () => {
  test("reads a flow with the same key as the decoded one, in any encoding", () => {
    const bytes = fc.oneof(
      anyFlow.map((one) => toBinary(FlowSchema, one)),
      fc.constantFrom(...corpus),
    );
    fc.assert(
      fc.property(mutatedMessage(bytes), fc.constantFrom(...PATHS), somePaths, (encoded, path, paths) => {
        let decoded: Flow;
        try {
          decoded = fromBinary(FlowSchema, encoded);
        } catch {
          return;
        }
        // What a field reads beyond its own end depends on which fields are decoded.
        if (hasOverrun(FlowSchema, encoded)) return;
        for (const list of [[path], paths]) {
          const tree = fieldTree(list) as FieldTree;
          const read = createFlowReader(tree)(responseOf(encoded));
          expect(compileFlowKey(tree)(read!), list.join()).toBe(compileFlowKey(tree)(decoded));
        }
      }),
      { numRuns: runs(20_000) },
    );
  });

  test("reads a flow that the response has in two parts", () => {
    const [one, other] = [{ source: { podName: "cart" } }, { destination: { podName: "db" } }].map((value) =>
      toBinary(
        GetFlowsResponseSchema,
        create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value } }),
      ),
    );
    const read = createFlowReader({ source: true, destination: true })(Buffer.concat([one!, other!]));
    expect(read).toMatchObject({ source: { podName: "cart" }, destination: { podName: "db" } });
  });

  test("returns undefined for other events", () => {
    const lost = create(GetFlowsResponseSchema, { responseTypes: { case: "lostEvents", value: {} } });
    expect(createFlowReader({ verdict: true })(toBinary(GetFlowsResponseSchema, lost))).toBeUndefined();
    expect(createFlowReader({ verdict: true })(new Uint8Array(0))).toBeUndefined();
  });
});
