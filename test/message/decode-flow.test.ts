import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { gunzipSync } from "node:zlib";
import { create, equals, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, explainFlowFilters } from "../../src/filter/index.js";
import { decodeFlow, type Flow, FlowSchema } from "../../src/proto.js";
import { anyFlow, sensibleFilter } from "../filter/arbitrary.js";
import { everyNth, nth, runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { mutatedMessage } from "../support/mutate-message.js";

const STEP = 10;

/** Messages, each after its length. */
function readDelimited(bytes: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const messages: Uint8Array[] = [];
  while (reader.pos < reader.len) messages.push(reader.bytes());
  return messages;
}

const recorded = readDelimited(
  gunzipSync(readFileSync(join(import.meta.dirname, "../vectors/bench/flows.binpb.gz"))),
);

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function expectSame(bytes: Uint8Array, decoded: Flow): void {
  const reference = fromBinary(FlowSchema, bytes);
  expect(equals(FlowSchema, decoded, reference)).toBe(true);
  expect(Buffer.compare(toBinary(FlowSchema, decoded), toBinary(FlowSchema, reference))).toBe(0);
  expect(JSON.stringify(toJson(FlowSchema, decoded))).toBe(JSON.stringify(toJson(FlowSchema, reference)));
}

describe("decodeFlow", () => {
  test(`reads every recorded flow as fromBinary does${nth(STEP)}`, () => {
    expect(recorded.length).toBeGreaterThan(1000);
    for (const bytes of everyNth(STEP, recorded)) expectSame(bytes, decodeFlow(bytes));
  });

  test("reads any flow as fromBinary does", () => {
    fc.assert(
      fc.property(arbitraryMessage(FlowSchema), (flow) => {
        const bytes = toBinary(FlowSchema, flow);
        expectSame(bytes, decodeFlow(bytes));
        expect(equals(FlowSchema, decodeFlow(bytes), flow)).toBe(true);
      }),
    );
  });

  test("keeps fields that it does not know", () => {
    // Field 536870911, a varint.
    const bytes = Uint8Array.of(0xf8, 0xff, 0xff, 0xff, 0x0f, 7);
    expect(decodeFlow(bytes).$unknown).toEqual(fromBinary(FlowSchema, bytes).$unknown);
    expect(toBinary(FlowSchema, decodeFlow(bytes))).toEqual(bytes);
  });

  test("accepts and rejects the same bytes as fromBinary", () => {
    const outcome = (decode: () => Flow) => {
      let flow: Flow;
      try {
        flow = decode();
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        return "an error";
      }
      return { flow, bytes: toBinary(FlowSchema, flow).join() };
    };
    const cut = fc
      .constantFrom(...recorded)
      .chain((bytes) => fc.nat(bytes.length).map((end) => bytes.subarray(0, end)));
    const mutated = mutatedMessage(
      fc.oneof(
        fc.constantFrom(...recorded),
        arbitraryMessage(FlowSchema).map((flow) => toBinary(FlowSchema, flow)),
      ),
    );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), cut, { arbitrary: mutated, weight: 8 }), (bytes) => {
        // Not strictly: a property that is undefined is as good as one that is missing.
        expect(outcome(() => decodeFlow(bytes))).toEqual(outcome(() => fromBinary(FlowSchema, bytes)));
      }),
      { numRuns: runs(10_000) },
    );
  });

  test("throws a FlowscribeError for what is not a flow", () => {
    const fault = { name: "FlowscribeError", code: "malformed_message", cause: expect.any(Error) };
    expect(() => decodeFlow(Uint8Array.of(0x10))).toThrow(expect.objectContaining(fault));
    expect(() => decodeFlow(Uint8Array.of(0x10))).toThrow("not a valid flow.Flow: ");
  });

  test("unknown fields and extensions share the buffer, as those of fromBinary do", () => {
    const bytes = toBinary(
      FlowSchema,
      create(FlowSchema, {
        extensions: { typeUrl: "a/b", value: Uint8Array.of(1, 2, 3) },
        nodeLabels: ["a"],
      }),
    );
    for (const buffer of [bytes, concat(Uint8Array.of(0xfa, 0x0f, 1, 7), bytes)]) {
      const { extensions, $unknown = [] } = decodeFlow(buffer);
      for (const part of [extensions!.value, ...$unknown.map(({ data }) => data)]) {
        expect(part.buffer).toBe(buffer.buffer);
      }
    }
  });

  test("decodes flows that are larger than the usual ones", () => {
    const flow = create(FlowSchema, {
      nodeLabels: Array.from({ length: 3000 }, (_, index) => `label-${index}`),
      extensions: { typeUrl: "a/b", value: new Uint8Array(70_000).fill(7) },
    });
    expect(equals(FlowSchema, decodeFlow(toBinary(FlowSchema, flow)), flow)).toBe(true);
  });

  test.each([
    ["an overlong tag", [0x90, 0x80, 0x80, 0x80, 0x00, 2]],
    ["a tag of 33 bits", [0x90, 0x80, 0x80, 0x80, 0x10, 2]],
    ["a tag of six bytes", [0x90, 0x80, 0x80, 0x80, 0x80, 0x00, 2]],
    ["field number 0", [0x02, 0]],
    ["wire type 6", [0x16, 0]],
    ["a negative enum number", [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["an overlong varint", [0x10, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["a varint of eleven bytes", [0x10, ...new Array(10).fill(0x80), 0x00]],
    ["an unknown varint of twelve bytes", [0xf8, 0x07, ...new Array(11).fill(0x80), 0x00]],
    ["a varint without an end", [0x10, 0x80, 0x80]],
    ["a bool above 32 bits", [0x80, 0x01, 0x80, 0x80, 0x80, 0x80, 0x20]],
    ["a bool of zero in two bytes", [0x80, 0x01, 0x80, 0x00]],
    ["the largest uint64", [0x80, 0x02, ...new Array(9).fill(0xff), 0x01]],
    ["a length as the value of a varint field", [0x12, 0x01, 0x10, 0x02]],
    ["a string with the wire type of a varint", [0x58, 0x02, 0x61, 0x62]],
    ["a message with the wire type of a group", [0x43, 0x02, 0x10, 0x07]],
    ["the wire type of the end of a group", [0x14, 0x02]],
    ["the end of an unknown group", [0xfc, 0x0f]],
    ["a group within a group", [0xfb, 0x0f, 0x0b, 0x0c, 0xfc, 0x0f]],
    ["a group with another end", [0xfb, 0x0f, 0x0b, 0x14]],
    ["99 nested groups", [...new Array(99).fill(0x3b), ...new Array(99).fill(0x3c)]],
    ["100 nested groups", [...new Array(100).fill(0x3b), ...new Array(100).fill(0x3c)]],
    ["10,000 nested groups", new Array(10_000).fill(0x3b)],
    [
      "98 groups in an endpoint",
      [0x42, 0xc4, 0x01, ...new Array(98).fill(0x4b), ...new Array(98).fill(0x4c)],
    ],
    [
      "99 groups in an endpoint",
      [0x42, 0xc6, 0x01, ...new Array(99).fill(0x4b), ...new Array(99).fill(0x4c)],
    ],
    [
      "a nested message that is longer than its length",
      [0x42, 0x02, 0x2a, 0x03, 0x61, 0x62, 0x63, 0x10, 0x02],
    ],
    ["a nested message that ends beyond the message", [0x42, 0x7f, 0x10, 0x07]],
    ["a length of 2^32 + 2", [0x5a, 0x82, 0x80, 0x80, 0x80, 0x10, 0x61, 0x62]],
    ["a length of 2^32 - 1", [0x5a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x61, 0x62]],
    ["invalid UTF-8", [0x5a, 0x02, 0xc3, 0x28]],
    ["a byte-order mark", [0x5a, 0x04, 0xef, 0xbb, 0xbf, 0x61]],
    ["a oneof that is set twice", [0x32, 0x04, 0x0a, 0x02, 0x08, 0x01, 0x32, 0x04, 0x0a, 0x02, 0x10, 0x02]],
    ["a oneof with two cases", [0x32, 0x04, 0x0a, 0x02, 0x08, 0x01, 0x32, 0x04, 0x12, 0x02, 0x10, 0x02]],
    ["an empty wrapper", [0xd2, 0x01, 0x00]],
    ["a wrapper that is set twice", [0xd2, 0x01, 0x02, 0x08, 0x01, 0xd2, 0x01, 0x00]],
    ["a wrapper with an unknown field", [0xd2, 0x01, 0x04, 0x08, 0x01, 0x10, 0x02]],
  ])("reads as fromBinary does: %s", (_, list) => {
    const bytes = Uint8Array.from(list);
    let reference: Flow | undefined;
    try {
      reference = fromBinary(FlowSchema, bytes);
    } catch {
      expect(() => decodeFlow(bytes)).toThrow(expect.objectContaining({ code: "malformed_message" }));
      return;
    }
    expect(decodeFlow(bytes)).toEqual(reference);
    expectSame(bytes, decodeFlow(bytes));
  });

  test("makes an object with every field of the message, and no more", () => {
    const fields = ["$typeName", ...FlowSchema.members.map(({ localName }) => localName)].sort();
    expect(Object.keys(decodeFlow(new Uint8Array())).sort()).toEqual(fields);
    for (const bytes of recorded.slice(0, 100)) expect(Object.keys(decodeFlow(bytes)).sort()).toEqual(fields);
  });

  test("shares no list among flows", () => {
    const one = decodeFlow(new Uint8Array());
    one.nodeLabels.push("a");
    expect(decodeFlow(new Uint8Array()).nodeLabels).toEqual([]);
  });

  test("makes objects that V8 keeps in their fast form", () => {
    setFlagsFromString("--allow-natives-syntax");
    const isFast = new Function("object", "return %HasFastProperties(object)") as (object: object) => boolean;
    setFlagsFromString("--no-allow-natives-syntax");
    const slow: { a?: number; b: number } = { a: 1, b: 2 };
    delete slow.a;
    expect(isFast(slow)).toBe(false);
    expect(recorded.every((bytes) => isFast(decodeFlow(bytes)))).toBe(true);
  });

  test("makes flows that filters and explanations see as those of fromBinary", () => {
    const flows = fc.oneof(
      fc.constantFrom(...recorded),
      anyFlow.map((flow) => toBinary(FlowSchema, flow)),
    );
    fc.assert(
      fc.property(flows, fc.array(sensibleFilter, { minLength: 1, maxLength: 5 }), (bytes, filters) => {
        for (const filter of filters) {
          const matches = compileFlowFilter(filter);
          expect(matches(decodeFlow(bytes))).toBe(matches(fromBinary(FlowSchema, bytes)));
        }
        const lists = { allow: filters };
        expect(String(explainFlowFilters(lists, decodeFlow(bytes)))).toBe(
          String(explainFlowFilters(lists, fromBinary(FlowSchema, bytes))),
        );
      }),
      { numRuns: runs(300) },
    );
  });
});
