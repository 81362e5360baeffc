import { readdirSync, readFileSync } from "node:fs";
import { createRegistry, equals, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EndpointSchema, GetFlowsResponseSchema } from "../../src/proto.js";
import { everyNth, nth, runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { describeWithShared, sharedPath } from "../support/shared.js";
import { files, messages } from "./declared.js";

const STEP = 5;

describeWithShared("flows recorded by Hubble", () => {
  const names = readdirSync(sharedPath("flows")).filter((name) => name.endsWith(".json"));
  const linesOf = (name: string) => readFileSync(sharedPath("flows", name), "utf8").trimEnd().split("\n");

  test("consist of 1,906 lines", () => {
    expect(names.flatMap(linesOf)).toHaveLength(1906);
  });

  test.each(names)(`%s round-trips through the binary and the JSON format${nth(STEP)}`, (name) => {
    for (const line of everyNth(STEP, linesOf(name))) {
      const json = JSON.parse(line);
      const response = fromJson(GetFlowsResponseSchema, json);
      expect(response.responseTypes.case).toBe("flow");
      expect(fromBinary(GetFlowsResponseSchema, toBinary(GetFlowsResponseSchema, response))).toEqual(
        response,
      );
      expect(toJson(GetFlowsResponseSchema, response, { useProtoFieldName: true })).toEqual(json);
      expect(fromJson(GetFlowsResponseSchema, toJson(GetFlowsResponseSchema, response))).toEqual(response);
    }
  });
});

describe("proto: any message", () => {
  const registry = createRegistry(...files);

  test.each(messages)("of type $typeName round-trips through the binary and the JSON format", (schema) => {
    fc.assert(
      fc.property(arbitraryMessage(schema, { packed: [EndpointSchema] }), (message) => {
        expect(equals(schema, fromBinary(schema, toBinary(schema, message)), message)).toBe(true);
        const json = toJson(schema, message, { registry });
        expect(equals(schema, fromJson(schema, json, { registry }), message)).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });
});
