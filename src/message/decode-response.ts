import { create, mergeFromBinary } from "@bufbuild/protobuf";
import { checkArgument } from "../errors/check-argument.js";
import { aUint8Array } from "../errors/value-checks.js";
import { type GetFlowsResponse, GetFlowsResponseSchema } from "../gen/observer/observer_pb.js";
import { decodeFlow } from "./decode-flow.js";

/** Field 1, `flow`, with its length before it: what every response with a flow begins with, as servers write it. */
const FLOW_TAG = (1 << 3) | 2;

const NOTHING = new Uint8Array(0);

/**
 * Decodes a GetFlowsResponse, as `fromBinary(GetFlowsResponseSchema, bytes)` does, with the flow in it in V8's fast form:
 * see {@link decodeFlow}. (A response whose flow does not come first, which no server writes, has a slow one.)
 *
 * @throws Error when the bytes are not a GetFlowsResponse, as `fromBinary` does.
 */
export function decodeGetFlowsResponse(bytes: Uint8Array): GetFlowsResponse {
  if (!(bytes instanceof Uint8Array)) checkArgument("decodeGetFlowsResponse", "bytes", bytes, aUint8Array);
  const response = create(GetFlowsResponseSchema);
  // Merging keeps the flow that is there: an empty one in fast form.
  if (bytes[0] === FLOW_TAG) response.responseTypes = { case: "flow", value: decodeFlow(NOTHING) };
  return mergeFromBinary(GetFlowsResponseSchema, response, bytes);
}
