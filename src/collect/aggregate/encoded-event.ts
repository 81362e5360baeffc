import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FlowInResponse } from "../../filter/encoded/flow-in-response.js";
import { type Aggregate, AggregateSchema, type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import { GetFlowsResponseSchema } from "../../gen/observer/observer_pb.js";
import { createFlowScan, decodeFlow } from "../../message/decode-flow.js";
import { decodeGetFlowsResponse } from "../../message/decode-response.js";
import type { FieldTree } from "../../message/field-tree.js";
import { sharedStrings } from "../../message/wire/string-cache.js";

/** The number of the field `flow` of a GetFlowsResponse. */
const FLOW_NUMBER = 1;

const found = new FlowInResponse();

/**
 * Returns the flow of an encoded response, with the fields of the tree; undefined if the response has none. The message
 * is only valid until the next call.
 *
 * @throws FlowscribeError `malformed_message`.
 */
export type FlowReader = (response: Uint8Array) => Flow | undefined;

/**
 * Creates a reader that decodes some fields. Unknown fields in messages that the tree selects as a whole are kept: the
 * flow is then decoded a second time.
 */
export function createFlowReader(tree: FieldTree): FlowReader {
  let isIncomplete = false;
  const scan = createFlowScan(tree, sharedStrings, () => {
    isIncomplete = true;
  });
  return (response) => {
    if (!found.find(response, 0, response.length)) {
      const { responseTypes } = decodeGetFlowsResponse(response);
      return responseTypes.case === "flow" ? responseTypes.value : undefined;
    }
    isIncomplete = false;
    const flow = scan(response, found.start, found.end);
    return isIncomplete ? decodeFlow(response.subarray(found.start, found.end)) : flow;
  };
}

/**
 * Returns a copy of an encoded response in which the flow has this aggregate. Everything else is copied, also fields that
 * this version does not know. The counts must not be less than those of an aggregate that the flow has.
 *
 * Encoded messages are merged by appending: the last value of a field counts, and a zero leaves the value before it.
 */
export function withAggregate(response: Uint8Array, aggregate: Aggregate): Uint8Array {
  if (!found.find(response, 0, response.length)) {
    const flow = create(FlowSchema, { aggregate });
    const change = create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: flow } });
    return joinBytes(response, toBinary(GetFlowsResponseSchema, change));
  }
  const { tagAt, start, end } = found;
  const change = new BinaryWriter()
    .tag(FlowSchema.field.aggregate.number, WireType.LengthDelimited)
    .bytes(toBinary(AggregateSchema, aggregate))
    .finish();
  const header = new BinaryWriter()
    .tag(FLOW_NUMBER, WireType.LengthDelimited)
    .uint32(end - start + change.length)
    .finish();
  return joinBytes(
    response.subarray(0, tagAt),
    header,
    response.subarray(start, end),
    change,
    response.subarray(end),
  );
}

function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
