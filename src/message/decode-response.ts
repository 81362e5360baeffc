import { checkArgument } from "../errors/check-argument.js";
import { aUint8Array } from "../errors/value-checks.js";
import {
  clearGetFlowsResponse,
  GET_FLOWS_RESPONSE_ENTRY,
  mergeGetFlowsResponse,
  newGetFlowsResponse,
} from "../gen/decoders.js";
import type { GetFlowsResponse } from "../gen/observer/observer_pb.js";
import type { FieldTree } from "./field-tree.js";
import { DecodePlan } from "./wire/decode-plan.js";
import { type StringCache, sharedStrings } from "./wire/string-cache.js";

/**
 * Decodes a GetFlowsResponse like `fromBinary(GetFlowsResponseSchema, bytes)`, as fast as `decodeFlow` and with the same
 * properties.
 *
 * @throws FlowscribeError with the code `malformed_message` if the bytes are not a valid GetFlowsResponse; exactly for
 * the bytes for which `fromBinary` throws.
 *
 * @example
 * ```ts
 * const { nodeName, responseTypes } = decodeGetFlowsResponse(bytes);
 * ```
 */
export function decodeGetFlowsResponse(bytes: Uint8Array): GetFlowsResponse {
  if (!(bytes instanceof Uint8Array)) checkArgument("decodeGetFlowsResponse", "bytes", bytes, aUint8Array);
  decodeWhole ??= createResponseScan(true, sharedStrings);
  return decodeWhole(bytes, 0, bytes.length);
}

/** Created when the first response is decoded. */
let decodeWhole: ResponseScan | undefined;

/** Decodes a response in a part of a buffer. */
export type ResponseScan = (bytes: Uint8Array, start: number, end: number) => GetFlowsResponse;

/**
 * Creates a function that decodes some fields of a GetFlowsResponse, as `createFlowScan` does for a Flow.
 *
 * @param tree The fields, by the names of the proto file.
 * @throws Error if the tree has a field that a GetFlowsResponse does not have.
 */
export function createResponseScan(tree: FieldTree | true, strings: StringCache): ResponseScan {
  const reuses = tree !== true;
  const plan = new DecodePlan(GET_FLOWS_RESPONSE_ENTRY, tree, { strings, reuses });
  const scratch = newGetFlowsResponse();
  return (bytes, start, end) => {
    const response = reuses ? clearGetFlowsResponse(scratch) : newGetFlowsResponse();
    plan.decode("observer.GetFlowsResponse", mergeGetFlowsResponse, response, bytes, start, end);
    return response;
  };
}
