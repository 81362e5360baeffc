import { create, type DescMessage } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anInitOf } from "../../src/message/init-check.js";
import {
  FlowSchema,
  GetFlowsRequestSchema,
  GetFlowsResponseSchema,
  StartRecordingSchema,
} from "../../src/proto.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";

function issuesOf(schema: DescMessage, init: unknown, others?: readonly string[]): string[] {
  const issues: string[] = [];
  anInitOf(schema, others)(init, "", (path, message) => issues.push(`${path}: ${message}`));
  return issues;
}

describe("anInitOf: accepts", () => {
  test.each([FlowSchema, GetFlowsRequestSchema, GetFlowsResponseSchema, StartRecordingSchema])(
    "every message of $typeName",
    (schema: DescMessage) => {
      fc.assert(
        fc.property(arbitraryMessage(schema, { depth: 4 }), (message) => {
          expect(issuesOf(schema, message)).toEqual([]);
        }),
        { numRuns: 50 },
      );
    },
  );

  test.each([
    {},
    { number: 5n },
    { number: 5 },
    { number: "5" },
    { number: undefined },
    { whitelist: [{ sourcePod: ["a"] }, create(GetFlowsRequestSchema).whitelist] },
    { since: { seconds: 1n } },
  ])("%o as a GetFlowsRequest", (init) => {
    const [first] = issuesOf(GetFlowsRequestSchema, init);
    // A list in a list is the one that is wrong.
    expect(first === undefined || first.startsWith("whitelist[1]: must be a FlowFilter")).toBe(true);
  });

  test("fields beside those of the message", () => {
    expect(issuesOf(FlowSchema, { from: 5 }, ["from"])).toEqual([]);
    expect(issuesOf(FlowSchema, { isReply: true })).toEqual([]);
  });
});

describe("anInitOf: reports", () => {
  test.each([
    { init: { folow: true }, issue: "folow: is not a field of GetFlowsRequest; did you mean follow?" },
    { init: { since_time: {} }, issue: "since_time: is not a field of GetFlowsRequest" },
    { init: { follow: 1 }, issue: "follow: must be true or false, not 1" },
    { init: { number: 1.5 }, issue: "number: must be an integer, not 1.5" },
    { init: { whitelist: {} }, issue: "whitelist: must be a list, not an object" },
    { init: { whitelist: [null] }, issue: "whitelist[0]: must be a FlowFilter, not null" },
    {
      init: { whitelist: [{ sourcePods: [] }] },
      issue: "whitelist[0].sourcePods: is not a field of FlowFilter; did you mean sourcePod?",
    },
    {
      init: { whitelist: [{ sourcePod: [1] }] },
      issue: "whitelist[0].sourcePod[0]: must be a string, not 1",
    },
    { init: { since: { seconds: "x" } }, issue: 'since.seconds: must be an integer, not "x"' },
    { init: { since: null }, issue: "since: must be a Timestamp, not null" },
  ])("$issue", ({ init, issue }) => {
    expect(issuesOf(GetFlowsRequestSchema, init)).toEqual([issue]);
  });

  test.each([
    {
      init: { l4: { protocol: { case: "TPC", value: {} } } },
      issue: /^l4\.protocol\.case: must be one of TCP, /,
    },
    {
      init: { l4: { protocol: { case: "TCP", value: { port: 1 } } } },
      issue: /^l4\.protocol\.value\.port: is not a field of TCP/,
    },
    { init: { l4: { protocol: "TCP" } }, issue: /^l4\.protocol: must be an object/ },
    { init: { isReply: "yes" }, issue: /^isReply: must be true or false/ },
    { init: { verdict: "DROPPED" }, issue: /^verdict: must be an integer/ },
  ])("$init of a Flow", ({ init, issue }) => {
    const issues = issuesOf(FlowSchema, init);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(issue);
  });
});
