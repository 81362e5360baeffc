import { create, type DescMessage, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { typeOf } from "../../src/message/descriptor.js";
import { DURATION } from "../../src/message/duration.js";
import { readMessage } from "../../src/message/read.js";
import type { MessageType } from "../../src/message/type.js";
import { FlowFilterSchema, FlowSchema, StartRecordingSchema, StopConditionSchema } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";

function read(type: MessageType, value: unknown, forms: "init" | "any" = "any") {
  const issues: string[] = [];
  const report = (path: string, message: string) => issues.push(`${path}: ${message}`);
  return { fields: readMessage(type, value, "", { report, forms }), issues };
}

describe("readMessage: forms", () => {
  test.each([FlowFilterSchema, StartRecordingSchema, StopConditionSchema])(
    "messages and JSON of $typeName give the same message",
    (schema: DescMessage) => {
      fc.assert(
        fc.property(arbitraryMessage(schema), (message) => {
          const json = toJson(schema, message);
          const protoJson = toJson(schema, message, { useProtoFieldName: true, enumAsInteger: true });
          for (const form of [message, json, protoJson]) {
            const { fields, issues } = read(typeOf(schema), form);
            expect(issues).toEqual([]);
            // As bytes, because a message can have -0, which JSON does not.
            expect(toBinary(schema, create(schema, fields))).toEqual(toBinary(schema, message));
          }
        }),
        { numRuns: runs(300) },
      );
    },
  );

  test("accepts the case of a oneof as a field, as in JSON", () => {
    const { fields, issues } = read(typeOf(FlowSchema), { l4: { TCP: { source_port: 1 } } });
    expect(issues).toEqual([]);
    expect(fields).toEqual({ l4: { protocol: { case: "TCP", value: { sourcePort: 1 } } } });
  });

  test.each([
    { json: "1.5s", duration: { seconds: 1n, nanos: 500_000_000 } },
    { json: "-0.25s", duration: { seconds: -0n, nanos: -250_000_000 } },
    { json: "315576000000s", duration: { seconds: 315_576_000_000n, nanos: 0 } },
  ])("accepts $json as a Duration", ({ json, duration }) => {
    expect(read(DURATION, json)).toEqual({ fields: duration, issues: [] });
  });
});

describe("readMessage: rejects", () => {
  test.each(["", "1", "1.s", "1.1234567891s", "315576000001s", "1m", " 1s"])("%j as a Duration", (json) => {
    expect(read(DURATION, json).issues).toEqual([
      `: must be a duration in seconds, such as "1.5s", not ${JSON.stringify(json)}`,
    ]);
  });

  test.each<{ value: unknown; forms?: "init" | "any"; issues: readonly string[] }>([
    {
      value: { l4: { TCP: {}, UDP: {} } },
      issues: ["l4.UDP: is a duplicate field"],
    },
    {
      value: { l4: { TCP: {} } },
      forms: "init",
      issues: ["l4.TCP: is not a field of Layer4; known are protocol"],
    },
    {
      value: { source_nams: [] },
      issues: ["source_nams: is not a field of Flow; did you mean source_names?"],
    },
    { value: { sourceNams: [] }, issues: ["sourceNams: is not a field of Flow; did you mean sourceNames?"] },
    { value: { verdict: "DROPPED" }, forms: "init", issues: ['verdict: must be an integer, not "DROPPED"'] },
    { value: { source: new Map() }, issues: ["source: must be an Endpoint, not an object"] },
    { value: { source: "default/web" }, issues: ['source: must be an Endpoint, not "default/web"'] },
  ])("$issues", ({ value, forms, issues }) => {
    expect(read(typeOf(FlowSchema), value, forms).issues).toEqual(issues);
  });
});
