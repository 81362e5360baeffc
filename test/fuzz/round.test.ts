import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, type FlowPredicate } from "../../src/filter/index.js";
import { FlowSchema } from "../../src/proto.js";
import { amount } from "../support/amount.js";
import { compareFlow, compareLine, compareResponse } from "./compare.js";
import { ROUND_INPUTS, runRound } from "./round.js";

describe("runRound", () => {
  test("does not find a difference", () => {
    for (let round = 0; round < amount({ quick: 1, long: 20 }); round++) {
      const { inputs, decoded, findings } = runRound(20_261_122, round);
      expect(findings).toEqual([]);
      expect(inputs).toBe(ROUND_INPUTS);
      // Most mutations leave an input valid, some do not.
      expect(decoded).toBeGreaterThan(inputs / 3);
      expect(decoded).toBeLessThan(inputs);
    }
  });
});

describe("compare functions", () => {
  const matches = compileFlowFilter({ verdict: ["DROPPED"] });
  const negated = (call: "bytes" | "response" | "jsonLine"): FlowPredicate =>
    Object.assign((event: never) => matches(event), matches, { [call]: () => "wrong" }) as FlowPredicate;
  const flow = toBinary(FlowSchema, create(FlowSchema, { verdict: 2 }));
  const response = Uint8Array.of(0x0a, flow.length, ...flow);
  const line = new TextEncoder().encode('{"flow":{"verdict":"DROPPED"}}');
  test.each([
    ["bytes", compareFlow, flow],
    ["response", compareResponse, response],
    ["jsonLine", compareLine, line],
  ] as const)("report a wrong answer of %s, also for damaged input", (call, compare, input) => {
    expect(compare(matches, input)).toEqual({ isDecoded: true });
    expect(compare(negated(call), input)).toEqual({
      isDecoded: true,
      difference: { call, answer: "wrong", expected: true },
    });
    const cut = input.subarray(0, -1);
    expect(compare(matches, cut)).toEqual({ isDecoded: false });
    expect(compare(negated(call), cut).difference).toEqual({ call, answer: "wrong", expected: undefined });
  });
});
