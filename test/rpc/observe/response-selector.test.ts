import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilter } from "../../../src/filter/index.js";
import {
  GetFlowsRequestSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../../src/gen/observer/observer_pb.js";
import { decodeGetFlowsResponse } from "../../../src/message/decode-response.js";
import {
  type FlowTest,
  type Received,
  ResponseSelector,
} from "../../../src/rpc/observe/response-selector.js";
import { Resumption } from "../../../src/rpc/observe/resumption.js";
import { flow } from "../../../src/testing/index.js";

function flowResponse(...init: Parameters<typeof flow>): GetFlowsResponse {
  return create(GetFlowsResponseSchema, {
    nodeName: "n",
    responseTypes: { case: "flow", value: flow(...init) },
  });
}

const encode = (response: GetFlowsResponse) => toBinary(GetFlowsResponseSchema, response);

const RESPONSES: readonly GetFlowsResponse[] = [
  flowResponse({ from: "shop/a", uuid: "1" }),
  flowResponse({ from: "shop/b", uuid: "2" }),
  create(GetFlowsResponseSchema, { responseTypes: { case: "lostEvents", value: { numEventsLost: 7n } } }),
  create(GetFlowsResponseSchema, { responseTypes: { case: "nodeStatus", value: { nodeNames: ["x"] } } }),
  create(GetFlowsResponseSchema),
  // Without a UUID, other fields identify a flow.
  flowResponse({ from: "shop/a", uuid: "" }),
  flowResponse({ from: "shop/a", uuid: "", Summary: "other" }),
];

const compiled = compileFlowFilter({ sourcePod: ["shop/a"] });
const FILTERS: { readonly [name: string]: FlowTest | undefined } = {
  none: undefined,
  compiled,
  "a function": ({ source }) => source?.podName === "a",
};
const ARRIVALS: { readonly [name: string]: readonly Received[] } = {
  encoded: RESPONSES.map(encode),
  decoded: RESPONSES,
};

/** A bare tag: the value is missing. */
const TRUNCATED = Uint8Array.of(0x0a);

describe("ResponseSelector", () => {
  for (const [arrival, batch] of Object.entries(ARRIVALS)) {
    for (const [name, filter] of Object.entries(FILTERS)) {
      test.each([true, false])(
        `${arrival} responses, filter: ${name}; yields encoded: %s`,
        (yieldsEncoded) => {
          const selector = new ResponseSelector<Received>(filter, yieldsEncoded);
          const { selected, fault } = selector.select(batch, undefined);
          const wanted = filter === undefined ? RESPONSES : RESPONSES.filter((_, index) => index !== 1);
          expect(fault).toBeUndefined();
          expect(selected.every((response) => response instanceof Uint8Array === yieldsEncoded)).toBe(true);
          expect(
            selected.map((response) => (response instanceof Uint8Array ? response : encode(response))),
          ).toEqual(wanted.map(encode));
          const { received, filtered, repeated, lost } = selector;
          expect({ received, filtered, repeated, lost }).toEqual({
            ...{ received: 7, repeated: 0, lost: 7 },
            filtered: filter === undefined ? 0 : 1,
          });
        },
      );

      test.each([true, false])(
        `${arrival} responses, filter: ${name}; skips flows seen before a reconnect; yields encoded: %s`,
        (yieldsEncoded) => {
          const selector = new ResponseSelector<Received>(filter, yieldsEncoded);
          const timed = batch.map((response) => withTime(response));
          const resumption = new Resumption(create(GetFlowsRequestSchema, { follow: true }), 0);
          selector.select(timed, resumption);
          resumption.resume();
          const again = selector.select(timed, resumption);
          expect(again.selected).toHaveLength(3);
          expect(selector.repeated).toBe(4);
        },
      );
    }
  }

  test.each([undefined, compiled])("yields the responses before one that is not valid protobuf", (filter) => {
    const selector = new ResponseSelector<GetFlowsResponse>(filter, false);
    const { selected, fault } = selector.select(
      [encode(RESPONSES[0]!), TRUNCATED, encode(RESPONSES[0]!)],
      undefined,
    );
    expect(selected).toHaveLength(1);
    expect(fault?.error).toMatchObject({ status: "INTERNAL", message: /not valid protobuf/ });
  });

  test("reports the error of a filter as it is", () => {
    const failing = () => {
      throw new RangeError("mine");
    };
    const { fault } = new ResponseSelector(failing, false).select([encode(RESPONSES[0]!)], undefined);
    expect(fault?.error).toEqual(new RangeError("mine"));
  });

  test("does not decode flows that the filter rejects", () => {
    const rejected = flowResponse({ from: "shop/b" });
    // The time, with a field that is truncated.
    rejected.responseTypes.value!.$unknown = [{ no: 1, wireType: 2, data: Uint8Array.of(1, 0x08) }];
    const selector = new ResponseSelector<GetFlowsResponse>(compiled, false);
    expect(selector.select([encode(rejected)], undefined)).toEqual({ selected: [], fault: undefined });
    expect(selector.filtered).toBe(1);
  });
});

function withTime(response: Received): Received {
  const decoded = response instanceof Uint8Array ? decodeGetFlowsResponse(response) : response;
  const timed: GetFlowsResponse = {
    ...decoded,
    time: { $typeName: "google.protobuf.Timestamp", seconds: 1n, nanos: 0 },
  };
  return response instanceof Uint8Array ? encode(timed) : timed;
}
