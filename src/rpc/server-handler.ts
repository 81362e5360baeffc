import { constants } from "node:http2";
import type { Clock } from "../async/clock.js";
import { messageOf } from "../errors/message.js";
import { type NodeHandler, withPlainMessages } from "./grpc-message.js";
import { closeStream, refuse, streamOf } from "./refuse.js";

/** What a server bounds for all of its services. */
export interface HandlerLimits {
  /** Requests at once, over all connections. */
  readonly maxRequests: number;
  /** How long a request whose method takes one message may take to end. */
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * A handler that a hostile client can neither make throw nor keep busy without bound.
 *
 * @param takesOneMessage Whether the method of a path takes one message: then the request has to end by itself.
 */
export function serverHandler(
  handler: NodeHandler,
  takesOneMessage: (path: string) => boolean,
  { maxRequests, requestTimeoutMs, clock }: HandlerLimits,
): NodeHandler {
  const handle = withPlainMessages(handler);
  let requests = 0;
  return (request, response) => {
    // Node sends the trailers when this event is emitted. Then the response is complete, and the rest of the request of no use.
    streamOf(response)?.once("wantTrailers", () => setImmediate(closeStream, response));
    if (requests >= maxRequests) {
      refuse(request, response, "RESOURCE_EXHAUSTED", `at most ${maxRequests} requests at once`);
      return;
    }
    requests++;
    let cancelTimer = () => {};
    response.once("close", () => {
      requests--;
      cancelTimer();
    });
    if (takesOneMessage(request.url ?? "")) {
      cancelTimer = clock.setTimer(requestTimeoutMs, () => closeStream(response, constants.NGHTTP2_CANCEL));
      request.once("end", cancelTimer);
    }
    try {
      handle(request, response);
    } catch (error) {
      // Connect throws for an authority that makes no URL.
      refuse(request, response, "INVALID_ARGUMENT", `invalid request: ${messageOf(error)}`);
    }
  };
}
