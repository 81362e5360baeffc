import { toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { orAbort } from "../../async/abort.js";
import { iterateOrAbort } from "../../async/iterate-or-abort.js";
import { messageOf } from "../../errors/message.js";
import {
  type GetFlowsRequest,
  GetFlowsRequestSchema,
  type GetFlowsResponse,
  Observer,
} from "../../gen/observer/observer_pb.js";
import { decodeGetFlowsResponse } from "../../message/decode-response.js";
import { RpcError } from "../../recorder/service/error.js";
import { fromCallError } from "../connect-error.js";
import type { RpcTransport } from "../transport.js";

/**
 * Makes one GetFlows call and yields its responses in batches. Ending the iteration early cancels the call.
 *
 * @throws RpcError, or the signal's reason, from the iteration.
 */
export async function* getFlows(
  transport: Transport,
  request: GetFlowsRequest,
  signal: AbortSignal,
): AsyncGenerator<GetFlowsResponse[], void, undefined> {
  const method = Observer.method.getFlows;
  if (isRpcTransport(transport)) {
    const message = toBinary(GetFlowsRequestSchema, request);
    for await (const messages of transport.streamBytes(method, message, { signal })) {
      yield* decodeBatch(messages);
    }
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

/**
 * Decodes a batch. Yields the messages before an invalid one, then throws.
 *
 * @throws RpcError INTERNAL for a message that is not valid protobuf, as in grpc-go.
 */
function* decodeBatch(messages: readonly Uint8Array[]): Generator<GetFlowsResponse[], void, undefined> {
  const batch: GetFlowsResponse[] = [];
  let fault: RpcError | undefined;
  for (const message of messages) {
    try {
      batch.push(decodeGetFlowsResponse(message));
    } catch (cause) {
      fault = new RpcError(
        "INTERNAL",
        `the server sent a response that is not valid protobuf: ${messageOf(cause)}`,
        { cause },
      );
      break;
    }
  }
  if (batch.length > 0) yield batch;
  if (fault !== undefined) throw fault;
}

function isRpcTransport(transport: Transport): transport is RpcTransport {
  return "streamBytes" in transport;
}

async function* oneRequest<T>(request: T): AsyncGenerator<T, void, undefined> {
  yield request;
}
