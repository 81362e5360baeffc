import type { OutgoingHttpHeaders } from "node:http";
import type { connectNodeAdapter } from "@connectrpc/connect-node";

/** A request handler of Node's HTTP servers. */
export type NodeHandler = ReturnType<typeof connectNodeAdapter>;

/**
 * The longest encoded status message, in bytes. gRPC suggests to clients a limit of 8 KiB for all trailers
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses), and many connections break at 64 KiB.
 */
const MAX_ENCODED_BYTES = 7 * 1024;
const ELLIPSIS = "…";
/** Cannot be encoded. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * The status message of a failed call, cut if its encoded form would be too long for a trailer. Everything that puts text
 * from elsewhere into a status message must use it: a trailer that is too long breaks the whole connection.
 */
export function boundedMessage(text: string): string {
  let room = MAX_ENCODED_BYTES;
  // An encoded code unit has 9 bytes at most.
  if (text.length * 9 <= room) return text;
  if (encodeMessage(text).length <= room) return text;
  room -= encodeMessage(ELLIPSIS).length;
  let end = 0;
  for (const character of text) {
    room -= encodeMessage(character).length;
    if (room < 0) break;
    end += character.length;
  }
  return text.slice(0, end) + ELLIPSIS;
}

/**
 * The same handler, with status messages encoded no more than gRPC asks for, and bounded. Connect encodes `:`, `,` and `/` as
 * well, which clients on grpc-js do not decode.
 */
export function withPlainMessages(handler: NodeHandler): NodeHandler {
  return (request, response) => {
    const addTrailers = response.addTrailers.bind(response) as (trailers: OutgoingHttpHeaders) => void;
    response.addTrailers = (trailers: OutgoingHttpHeaders) => {
      const message = trailers["grpc-message"];
      addTrailers(
        typeof message === "string"
          ? { ...trailers, "grpc-message": encodeMessage(boundedMessage(decodeURIComponent(message))) }
          : trailers,
      );
    };
    handler(request, response);
  };
}

/** Percent-encoding of gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
export function encodeMessage(text: string): string {
  return text.replace(LONE_SURROGATE, "\ufffd").replace(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent);
}
