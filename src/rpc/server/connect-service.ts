import {
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { onAbort } from "../../async/abort.js";
import { checkArgument } from "../../errors/check-argument.js";
import { type ValueCheck, withMethods } from "../../errors/value-checks.js";
import { Recorder, type RecordRequest, type RecordResponse } from "../../gen/recorder/recorder_pb.js";
import type { RpcPeer } from "../../recorder/service/context.js";
import type { RecorderService } from "../../recorder/service.js";
import { fromConnectError, toConnectError } from "../connect-error.js";

/** Context key under which a Connect server stores the peer of a call; see `peerOfRequest`. */
export const peerKey: ContextKey<RpcPeer | undefined> = createContextKey<RpcPeer | undefined>(undefined, {
  description: "the peer of the call",
});

export const aService: ValueCheck<RecorderService> = withMethods<RecorderService>(
  "a service, as createRecorderService returns it",
  "record",
  "shutdown",
);

/**
 * Creates Connect routes for the Recorder service, for `connectNodeAdapter`, Fastify, Express or an in-memory
 * transport: gRPC, gRPC-web and the Connect protocol. (Record needs HTTP/2.) Requests above `limits.maxMessageBytes`
 * are rejected.
 */
export function recorderRoutes(service: RecorderService): (router: ConnectRouter) => void {
  checkArgument("recorderRoutes", "service", service, aService);
  return (router) => {
    router.service(
      Recorder,
      { record: (requests, context) => answer(service, requests, context) },
      { readMaxBytes: service.limits.maxMessageBytes },
    );
  };
}

async function* answer(
  service: RecorderService,
  requests: AsyncIterable<RecordRequest>,
  context: HandlerContext,
): AsyncGenerator<RecordResponse, void, undefined> {
  const controller = new AbortController();
  const peer = context.values.get(peerKey);
  const responses = service.record(translated(requests), { signal: controller.signal, peer });
  const cancel = () => {
    controller.abort(fromConnectError(context.signal.reason));
    // The in-memory transport of Connect never resumes a cancelled call.
    responses.return().catch(() => {});
  };
  const removeListener = onAbort(context.signal, cancel);
  try {
    for await (const response of responses) yield response;
    context.signal.throwIfAborted();
  } catch (error) {
    throw toConnectError(error);
  } finally {
    removeListener();
  }
}

/** The same requests, with errors converted to the RpcErrors that the service expects. */
async function* translated(
  requests: AsyncIterable<RecordRequest>,
): AsyncGenerator<RecordRequest, void, undefined> {
  try {
    yield* requests;
  } catch (error) {
    throw fromConnectError(error);
  }
}
