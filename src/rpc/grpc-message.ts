import type { OutgoingHttpHeaders } from "node:http";
import type { connectNodeAdapter } from "@connectrpc/connect-node";

/** A request handler of Node's HTTP servers. */
export type NodeHandler = ReturnType<typeof connectNodeAdapter>;

/**
 * Maximum length of an encoded status message in bytes. gRPC recommends that clients limit all trailers to 8 KiB
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses), and many connections break at 64 KiB.
 */
const MAX_ENCODED_BYTES = 7 * 1024;
const ELLIPSIS = "…";
/** Lone surrogates cannot be encoded as UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * Truncates a status message whose encoded form would be too long for a trailer. Required for all status messages that
 * contain external text: a trailer that is too long breaks the whole connection.
 */
export function boundedMessage(text: string): string {
  let freeBytes = MAX_ENCODED_BYTES;
  // An encoded UTF-16 code unit has at most 9 bytes.
  if (text.length * 9 <= freeBytes) return text;
  if (encodeMessage(text).length <= freeBytes) return text;
  freeBytes -= encodeMessage(ELLIPSIS).length;
  let end = 0;
  for (const character of text) {
    freeBytes -= encodeMessage(character).length;
    if (freeBytes < 0) break;
    end += character.length;
  }
  return text.slice(0, end) + ELLIPSIS;
}

/**
 * Wraps a handler so that status messages are bounded, and only the characters that gRPC requires are encoded. Connect
 * also encodes `:`, `,` and `/`, which grpc-js clients do not decode.
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

/** gRPC's percent-encoding: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
export function encodeMessage(text: string): string {
  return text.replace(LONE_SURROGATE, "\ufffd").replace(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent);
}
