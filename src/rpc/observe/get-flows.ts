import { toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { orAbort } from "../../async/abort.js";
import { iterateOrAbort } from "../../async/iterate-or-abort.js";
import { type GetFlowsRequest, GetFlowsRequestSchema, Observer } from "../../gen/observer/observer_pb.js";
import { fromCallError } from "../connect-error.js";
import type { RpcTransport } from "../transport.js";
import type { Received } from "./response-selector.js";

/**
 * Makes one GetFlows call and yields its responses in batches: encoded, unless the transport decodes them. Ending the
 * iteration early cancels the call.
 *
 * @throws RpcError, or the signal's reason, from the iteration.
 */
export async function* getFlows(
  transport: Transport,
  request: GetFlowsRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly Received[], void, undefined> {
  const method = Observer.method.getFlows;
  if (isRpcTransport(transport)) {
    const message = toBinary(GetFlowsRequestSchema, request);
    yield* transport.streamBytes(method, message, { signal });
    return;
  }
  try {
    const input = oneRequest(request);
    const response = transport.stream(method, signal, undefined, undefined, input);
    const { message: responses } = await orAbort(response, signal);
    for await (const response of iterateOrAbort(responses, signal)) yield [response];
  } catch (error) {
    throw fromCallError(error);
  }
}

function isRpcTransport(transport: Transport): transport is RpcTransport {
  return "streamBytes" in transport;
}

async function* oneRequest<T>(request: T): AsyncGenerator<T, void, undefined> {
  yield request;
}
