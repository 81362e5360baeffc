import type { OutgoingHttpHeaders } from "node:http";
import type { connectNodeAdapter } from "@connectrpc/connect-node";

type NodeHandlerFn = ReturnType<typeof connectNodeAdapter>;

/**
 * The same handler, with status texts encoded no more than gRPC asks for. Connect encodes `:`, `,` and `/` as well, which
 * clients on grpc-js do not decode.
 */
export function withPlainMessages(handler: NodeHandlerFn): NodeHandlerFn {
  return (request, response) => {
    const addTrailers = response.addTrailers.bind(response) as (trailers: OutgoingHttpHeaders) => void;
    response.addTrailers = (trailers: OutgoingHttpHeaders) => {
      const message = trailers["grpc-message"];
      addTrailers(
        typeof message === "string"
          ? { ...trailers, "grpc-message": encodeMessage(decodeURIComponent(message)) }
          : trailers,
      );
    };
    handler(request, response);
  };
}

/** Percent-encoding of gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
function encodeMessage(text: string): string {
  // A lone surrogate cannot come out of `decodeURIComponent`.
  return text.replace(/[^\x20-\x24\x26-\x7e]+/gu, (run) => encodeURIComponent(run));
}
