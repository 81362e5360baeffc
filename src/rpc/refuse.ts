import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import { RPC_STATUS_NUMBERS, type RpcStatus } from "../recorder/service/error.js";
import { boundedMessage, encodeMessage, type NodeHandler } from "./grpc-message.js";

type NodeRequest = Parameters<NodeHandler>[0];
type NodeResponse = Parameters<NodeHandler>[1];

/** https://connectrpc.com/docs/protocol/#error-codes */
const HTTP_STATUS: Partial<Record<RpcStatus, number>> = {
  INVALID_ARGUMENT: 400,
  UNIMPLEMENTED: 404,
  RESOURCE_EXHAUSTED: 429,
};

/**
 * Answers a request that reaches no method with a status of its protocol. gRPC and gRPC-web get HTTP 200 and the status in
 * the headers ("Trailers-Only"), the Connect protocol and everything else its JSON error.
 */
export function refuse(
  request: NodeRequest,
  response: NodeResponse,
  status: RpcStatus,
  message: string,
): void {
  const { "content-type": contentType = "" } = request.headers;
  if (contentType.startsWith("application/grpc")) {
    response.statusCode = 200;
    response.setHeader("content-type", contentType);
    response.setHeader("grpc-status", String(RPC_STATUS_NUMBERS[status]));
    response.setHeader("grpc-message", encodeMessage(boundedMessage(message)));
    // Without a body, so that the headers end the stream.
    response.end();
    // Closed in the same turn, a stream of Node 22 loses its headers.
    setImmediate(closeStream, response);
  } else {
    response.statusCode = HTTP_STATUS[status] ?? 500;
    response.setHeader("content-type", "application/json");
    const body = JSON.stringify({ code: status.toLowerCase(), message: boundedMessage(message) });
    // Both kinds of response take a body here; TypeScript finds no common overload.
    (response as ServerResponse).end(body);
  }
}

/** The handler of paths that are no method: UNIMPLEMENTED with the messages of grpc-go. */
export function unknownMethodHandler(services: () => ReadonlySet<string>): NodeHandler {
  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    refuse(request, response, "UNIMPLEMENTED", unknownMethodMessage(path, services()));
  };
}

function unknownMethodMessage(path: string, services: ReadonlySet<string>): string {
  const [, service, method] = /^\/(.+)\/([^/]*)$/.exec(path) ?? [];
  if (service === undefined) return `malformed method name: ${JSON.stringify(path)}`;
  if (services.has(service)) return `unknown method ${method} for service ${service}`;
  return `unknown service ${service}`;
}

/** The stream of an HTTP/2 response. */
export function streamOf(response: NodeResponse): ServerHttp2Stream | undefined {
  return (response as Partial<Http2ServerResponse>).stream;
}

/** Ends the stream of an HTTP/2 response, whatever is still to come of its request. */
export function closeStream(response: NodeResponse, code: number = constants.NGHTTP2_NO_ERROR): void {
  const stream = streamOf(response);
  if (stream?.closed === false) stream.close(code);
}
