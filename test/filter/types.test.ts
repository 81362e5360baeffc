import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  checkFlowFilters,
  compileFlowFilters,
  FilterError,
  type FlowFilterLists,
} from "../../src/filter/index.js";
import { parseFlowFlags } from "../../src/observer/index.js";
import { FlowFilterSchema, Verdict } from "../../src/proto.js";

test("FlowFilterInit: accepts every form", () => {
  const lists = {
    allow: [{ sourcePod: ["shop/"], destinationPort: ["443"] }, { verdict: [Verdict.DROPPED] }],
    deny: [{ sourceLabel: ["a"] }],
  };
  const fixed = {
    allow: [{ sourceIp: ["1.1.1.1"], eventType: [{ type: 129 }], tcpFlags: [{ SYN: true }] }],
  } as const;
  const mixed = [{ ipTraceId: [5n, 5, "5"], verdict: ["DROPPED" as const, 2] }, create(FlowFilterSchema, {})];
  expect(() => compileFlowFilters(lists)).not.toThrow();
  expect(() => compileFlowFilters(fixed)).not.toThrow();
  expect(() => compileFlowFilters({ allow: mixed })).not.toThrow();
});

test("FlowFilterInit: rejects other values", () => {
  // @ts-expect-error a port is text
  expect(() => compileFlowFilters({ allow: [{ sourcePort: [80] }] })).toThrow("allow[0].source_port[0]");
  // @ts-expect-error there is no such field
  expect(() => compileFlowFilters({ allow: [{ sourcePrt: ["80"] }] })).toThrow("allow[0].sourcePrt");
  // @ts-expect-error there is no such list
  expect(() => compileFlowFilters({ whitelist: [{}] })).toThrow(
    "whitelist: neither allow nor deny; did you mean allow?",
  );
  // @ts-expect-error a list is a list
  expect(() => compileFlowFilters({ allow: {} })).toThrow("allow: not a list of filters");
});

test("FlowFilterLists: accepts other properties, but not misspelled lists", () => {
  const flags = { allow: [], deny: [], number: 20n, first: true, positionals: ["file"], extra: {} };
  expect(checkFlowFilters(flags)).toEqual([]);
  const misspelt = { allow: [{}], denny: [{}] };
  expect(checkFlowFilters(misspelt)).toEqual([
    { path: "denny", message: "neither allow nor deny; did you mean deny?" },
  ]);
});

test.each([
  { lists: null, path: "", message: "must be an object with the lists allow and deny, not null" },
  { lists: "x", path: "", message: 'must be an object with the lists allow and deny, not "x"' },
  { lists: [{}], path: "", message: "must be an object with the lists allow and deny, not a list" },
  { lists: { allow: [], deni: [] }, path: "deni", message: "neither allow nor deny; did you mean deny?" },
  { lists: { allow: null }, path: "allow", message: "not a list of filters" },
  { lists: { allow: [null] }, path: "allow[0]", message: "must be a FlowFilter, not null" },
])("checkFlowFilters, compileFlowFilters: report $lists with its path", ({ lists, path, message }) => {
  // A caller without types.
  const wrong = lists as FlowFilterLists;
  expect(checkFlowFilters(wrong)).toEqual([{ path, message }]);
  expect(() => compileFlowFilters(wrong)).toThrow(new FilterError([{ path, message }]));
});

test("compileFlowFilters: accepts all that parseFlowFlags returns", () => {
  const flags = parseFlowFlags(["--pod", "a", "--since", "1h", "--until", "1m", "--follow"]);
  expect(checkFlowFilters(flags)).toEqual([]);
  expect(checkFlowFilters(parseFlowFlags(["--first", "5"]))).toEqual([]);
});
