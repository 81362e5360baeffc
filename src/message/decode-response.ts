import { create, mergeFromBinary } from "@bufbuild/protobuf";
import { checkArgument } from "../errors/check-argument.js";
import { aUint8Array } from "../errors/value-checks.js";
import { type GetFlowsResponse, GetFlowsResponseSchema } from "../gen/observer/observer_pb.js";
import { decodeFlow } from "./decode-flow.js";

/** Tag of field 1, `flow`, length-delimited: the first byte of every response with a flow, as servers encode it. */
const FLOW_TAG = (1 << 3) | 2;

const NOTHING = new Uint8Array(0);

/**
 * Decodes a GetFlowsResponse like `fromBinary(GetFlowsResponseSchema, bytes)`, with fast properties for its flow: see
 * {@link decodeFlow}. (If the flow is not the first field, which servers never do, its properties are slow.)
 *
 * @throws Error if the bytes are not a valid GetFlowsResponse, like `fromBinary`.
 */
export function decodeGetFlowsResponse(bytes: Uint8Array): GetFlowsResponse {
  if (!(bytes instanceof Uint8Array)) checkArgument("decodeGetFlowsResponse", "bytes", bytes, aUint8Array);
  const response = create(GetFlowsResponseSchema);
  // Merging decodes into the existing flow: an empty one with fast properties.
  if (bytes[0] === FLOW_TAG) response.responseTypes = { case: "flow", value: decodeFlow(NOTHING) };
  return mergeFromBinary(GetFlowsResponseSchema, response, bytes);
}
