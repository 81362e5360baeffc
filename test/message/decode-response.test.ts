import { create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeGetFlowsResponse, type GetFlowsResponse, GetFlowsResponseSchema } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { mutatedMessage } from "../support/mutate-message.js";

const encoded = arbitraryMessage(GetFlowsResponseSchema).map((response) =>
  toBinary(GetFlowsResponseSchema, response),
);

describe("decodeGetFlowsResponse", () => {
  test("accepts, reads and rejects all bytes as fromBinary does", () => {
    const outcome = (decode: () => GetFlowsResponse) => {
      let response: GetFlowsResponse;
      try {
        response = decode();
      } catch {
        return "an error";
      }
      return { response, bytes: toBinary(GetFlowsResponseSchema, response).join() };
    };
    fc.assert(
      fc.property(fc.oneof(encoded, { arbitrary: mutatedMessage(encoded), weight: 4 }), (bytes) => {
        const expected = outcome(() => fromBinary(GetFlowsResponseSchema, bytes));
        expect(outcome(() => decodeGetFlowsResponse(bytes))).toEqual(expected);
      }),
      { numRuns: runs(4000) },
    );
  });

  test("yields messages that equal those of fromBinary", () => {
    fc.assert(
      fc.property(arbitraryMessage(GetFlowsResponseSchema), (response) => {
        const decoded = decodeGetFlowsResponse(toBinary(GetFlowsResponseSchema, response));
        expect(equals(GetFlowsResponseSchema, decoded, response)).toBe(true);
      }),
    );
  });

  test("throws a FlowscribeError for what is not a response", () => {
    const bytes = toBinary(GetFlowsResponseSchema, create(GetFlowsResponseSchema, { nodeName: "node" }));
    expect(() => decodeGetFlowsResponse(bytes.subarray(0, -1))).toThrow(
      expect.objectContaining({
        name: "FlowscribeError",
        code: "malformed_message",
        message: expect.stringContaining("not a valid observer.GetFlowsResponse: "),
      }),
    );
  });
});
