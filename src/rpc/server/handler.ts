import { constants } from "node:http2";
import type { Clock } from "../../async/clock.js";
import { messageOf } from "../../errors/message.js";
import { type NodeHandler, withPlainMessages } from "../grpc-message.js";
import { closeStream, refuse, streamOf } from "./refuse.js";

/** Limits of a server for all of its services. */
export interface HandlerLimits {
  /** Maximum number of concurrent requests over all connections. */
  readonly maxRequests: number;
  /** Time limit for receiving a request of a method with a single request message. */
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Wraps a handler so that hostile clients can neither make it throw nor hold unlimited requests open.
 *
 * @param takesOneMessage Whether the method of a path has a single request message, so that the client has to end the
 *   request.
 */
export function serverHandler(
  handler: NodeHandler,
  takesOneMessage: (path: string) => boolean,
  { maxRequests, requestTimeoutMs, clock }: HandlerLimits,
): NodeHandler {
  const handle = withPlainMessages(handler);
  let requests = 0;
  return (request, response) => {
    // Node sends the trailers on this event. The response is then complete, and the rest of the request is not needed.
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
      cancelTimer = clock.setTimer(requestTimeoutMs, () => {
        // A connection of HTTP/1.1 has one request at a time, and no stream that could be reset.
        if (streamOf(response) === undefined) request.socket.destroy();
        else closeStream(response, constants.NGHTTP2_CANCEL);
      });
      request.once("end", cancelTimer);
    }
    try {
      handle(request, response);
    } catch (error) {
      // Connect throws if the authority is not valid in a URL.
      refuse(request, response, "INVALID_ARGUMENT", `invalid request: ${messageOf(error)}`);
    }
  };
}
