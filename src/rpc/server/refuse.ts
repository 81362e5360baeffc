import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import { RPC_STATUS_NUMBERS, type RpcStatus } from "../../recorder/service/error.js";
import { boundedMessage, encodeMessage, type NodeHandler } from "../grpc-message.js";

type NodeRequest = Parameters<NodeHandler>[0];
type NodeResponse = Parameters<NodeHandler>[1];

/** https://connectrpc.com/docs/protocol/#error-codes */
const HTTP_STATUS: Partial<Record<RpcStatus, number>> = {
  INVALID_ARGUMENT: 400,
  UNIMPLEMENTED: 404,
  RESOURCE_EXHAUSTED: 429,
};

/**
 * Rejects a request before it reaches a method, with an error of its protocol: gRPC and gRPC-web get HTTP 200 with the
 * status in the headers ("Trailers-Only"), the Connect protocol and all others a Connect JSON error.
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
    // No body, so that the headers end the stream.
    response.end();
    // Node 22 loses the headers if the stream is closed in the same turn.
    setImmediate(closeStream, response);
  } else {
    response.statusCode = HTTP_STATUS[status] ?? 500;
    response.setHeader("content-type", "application/json");
    const body = JSON.stringify({ code: status.toLowerCase(), message: boundedMessage(message) });
    // Both response types accept a body here; the cast is needed because TypeScript finds no common overload.
    (response as ServerResponse).end(body);
  }
}

/** Creates the handler of unknown paths: UNIMPLEMENTED with the messages of grpc-go. */
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

/** The stream of an HTTP/2 response; undefined for HTTP/1.1. */
export function streamOf(response: NodeResponse): ServerHttp2Stream | undefined {
  return (response as Partial<Http2ServerResponse>).stream;
}

/** Closes the stream of an HTTP/2 response, even if its request is incomplete. */
export function closeStream(response: NodeResponse, code: number = constants.NGHTTP2_NO_ERROR): void {
  const stream = streamOf(response);
  if (stream?.closed === false) stream.close(code);
}
