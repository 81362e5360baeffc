import { create, type DescMessage } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { registryOf } from "../../../src/cel/check/registry.js";
import { Frame } from "../../../src/cel/run/frame.js";
import { createEquality, markAbsent } from "../../../src/cel/value/equal.js";
import {
  CelDuration,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from "../../../src/cel/value/value.js";
import { EndpointSchema, FlowSchema, TCPSchema } from "../../../src/proto.js";
import { arbitraryMessage } from "../../support/arbitrary-message.js";
import { registry as testRegistry } from "../../support/cel-conformance.js";
import { show } from "../show.js";

const equal = createEquality(registryOf([FlowSchema]));

function frameOf(steps: number): Frame {
  const frame = new Frame(0);
  frame.steps = steps;
  return frame;
}

function isEqual(a: CelValue, b: CelValue): boolean {
  return equal(a, b, frameOf(100_000));
}

function mapOf(...entries: readonly (readonly [CelValue, CelValue])[]): CelMap {
  const map = new CelMap();
  for (const [key, value] of entries) map.add(key, value);
  return map;
}

/** Values of which those in one line are equal, and no others. */
const CLASSES: readonly (readonly CelValue[])[] = [
  [null],
  [true],
  [false],
  [0n, new CelUint(0n), 0, -0],
  [1n, new CelUint(1n), 1],
  [1.5],
  // As doubles, both are the same.
  [2n ** 63n - 1n, 2 ** 63],
  [-(2n ** 63n), -(2 ** 63)],
  [""],
  ["a", `${"a".repeat(1)}`],
  ["x".repeat(1000), "x".repeat(999) + String.fromCharCode(120)],
  [new Uint8Array(), new Uint8Array()],
  [new Uint8Array([97]), new Uint8Array([97])],
  [new CelTimestamp(0, 0), new CelTimestamp(0, 0)],
  [new CelTimestamp(0, 1)],
  [new CelDuration(0n), new CelDuration(0n)],
  [new CelDuration(1n)],
  [new CelTypeValue("int"), new CelTypeValue("int")],
  [new CelTypeValue("uint")],
  [[], []],
  [[1n], [1], [new CelUint(1n)]],
  [[1n, 2n]],
  [[null], [null]],
  [mapOf(), mapOf()],
  [mapOf([1n, "a"]), mapOf([new CelUint(1n), "a"])],
  [mapOf([1n, null])],
  [mapOf([2n, "a"])],
  [mapOf([true, "a"])],
  [create(TCPSchema), create(TCPSchema)],
  [create(TCPSchema, { sourcePort: 1 })],
  [create(EndpointSchema)],
  [create(FlowSchema)],
  [markAbsent(create(FlowSchema))],
  [markAbsent(create(FlowSchema))],
];

test("createEquality: compares values regardless of the number type", () => {
  const all = CLASSES.flatMap((values, index) => values.map((value) => ({ value, index })));
  const wrong = all.flatMap((a) =>
    all
      .filter((b) => isEqual(a.value, b.value) !== (a.index === b.index))
      .map((b) => `${show(a.value)} and ${show(b.value)}`),
  );
  expect(wrong).toEqual([]);
});

describe("createEquality: NaN", () => {
  test.each([
    { name: "by itself", value: Number.NaN },
    { name: "in a list", value: [Number.NaN] },
    { name: "in a map", value: mapOf([1n, Number.NaN]) },
    { name: "in a list in a list", value: [[1n], [Number.NaN]] },
  ])("$name is not equal to any value, including itself", ({ value }) => {
    expect(isEqual(value, value)).toBe(false);
  });

  test("in a message is equal if the message is identical", () => {
    const desc = testRegistry.getMessage("cel.expr.conformance.proto3.TestAllTypes") as DescMessage;
    const make = () => create(desc, { singleDouble: Number.NaN });
    const message = make();
    const equalOfTests = createEquality(testRegistry);
    expect(equalOfTests(message, message, frameOf(10_000))).toBe(true);
    expect(equalOfTests(message, make(), frameOf(10_000))).toBe(false);
  });
});

describe("createEquality: messages", () => {
  const flows = arbitraryMessage(FlowSchema, { packed: [EndpointSchema] });

  test("are equal if their contents are", () => {
    fc.assert(
      fc.property(flows, (flow) => {
        expect(isEqual(flow, structuredClone(flow))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("are unpacked from Any", () => {
    const of = (podName: string) =>
      create(FlowSchema, {
        extensions: anyPack(EndpointSchema, create(EndpointSchema, { podName, labels: ["x"] })),
      });
    expect(isEqual(of("a"), of("a"))).toBe(true);
    expect(isEqual(of("a"), of("b"))).toBe(false);
  });

  test("of unknown types are not equal", () => {
    const none = createEquality(registryOf([]));
    expect(none(create(TCPSchema), create(TCPSchema), frameOf(10_000))).toBe(false);
  });
});

describe("createEquality: compared content costs steps", () => {
  const long = "x".repeat(16_000);
  const same = () => `${long.slice(1)}x`;

  test.each([
    { name: "a short text", a: "abc", b: "abd", steps: 0 },
    { name: "texts of different lengths", a: long, b: `${long}x`, steps: 0 },
    { name: "a long text", a: same(), b: same(), steps: 1000 },
    { name: "long bytes", a: new Uint8Array(16_000), b: new Uint8Array(16_000), steps: 1000 },
    { name: "a list", a: Array(100).fill(1n), b: Array(100).fill(1n), steps: 100 },
    { name: "lists of different lengths", a: Array(100).fill(1n), b: [], steps: 0 },
    { name: "a map", a: mapOf([1n, 2n], [2n, 3n]), b: mapOf([1n, 2n], [2n, 3n]), steps: 2 },
    { name: "a map with a long key", a: mapOf([same(), 2n]), b: mapOf([same(), 2n]), steps: 1001 },
  ])("$name: $steps steps", ({ a, b, steps }) => {
    const frame = frameOf(steps);
    equal(a, b, frame);
    expect(frame.steps).toBe(0);
    if (steps > 0) expect(() => equal(a, b, frameOf(steps - 1))).toThrow("too many steps");
  });

  test("messages by their content", () => {
    const of = (count: number) => create(EndpointSchema, { labels: Array(count).fill("label") });
    const few = frameOf(100_000);
    const many = frameOf(100_000);
    equal(of(1), of(1), few);
    equal(of(1000), of(1000), many);
    expect(few.steps - many.steps).toBeGreaterThan(900);
  });
});
