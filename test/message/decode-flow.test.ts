import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { gunzipSync } from "node:zlib";
import { equals, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, explainFlowFilters } from "../../src/filter/index.js";
import { decodeFlow, type Flow, FlowSchema } from "../../src/proto.js";
import { anyFlow, sensibleFilter } from "../filter/arbitrary.js";
import { everyNth, nth, runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";

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
      try {
        return toBinary(FlowSchema, decode()).join();
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        return "an error";
      }
    };
    const cut = fc
      .constantFrom(...recorded)
      .chain((bytes) => fc.nat(bytes.length).map((end) => bytes.subarray(0, end)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), cut), (bytes) => {
        expect(outcome(() => decodeFlow(bytes))).toBe(outcome(() => fromBinary(FlowSchema, bytes)));
      }),
      { numRuns: runs(500) },
    );
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
