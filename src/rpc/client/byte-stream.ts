import { RpcError } from "../../recorder/service/error.js";
import { fromCallError } from "../connect-error.js";
import type { ClientConnection } from "./client-connection.js";
import { EnvelopeSplitter } from "./envelope.js";
import { statusError } from "./http2-status.js";

export interface ByteStreamRequest {
  /** `/package.Service/Method` */
  readonly path: string;
  /** The encoded request. */
  readonly message: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a server-streaming gRPC call and yields its encoded responses in batches, as they arrive: about twenty flows at
 * a time, instead of one by one through Connect's chain of generators. Flow control stops the server if the reader is
 * slow. Ending the iteration early cancels the call.
 *
 * @throws RpcError from the iteration, after all responses before the failure; the signal's reason if it is aborted.
 */
export async function* streamBytes(
  connection: ClientConnection,
  request: ByteStreamRequest,
): AsyncGenerator<Uint8Array[], void, undefined> {
  const { signal, path, message, maxMessageBytes } = request;
  const headers = {
    ...request.headers,
    "content-type": "application/grpc+proto",
    te: "trailers",
    "grpc-accept-encoding": "identity",
  };
  try {
    const call = await connection.call(path, headers, signal);
    try {
      void call.send(envelopeOf(message));
      call.endSending();
      await call.response();
      const splitter = new EnvelopeSplitter(maxMessageBytes);
      for (;;) {
        const chunks = await call.next();
        if (chunks === undefined) break;
        for (const chunk of chunks) {
          const messages = splitter.split(chunk);
          if (messages.length > 0) yield messages;
          if (splitter.fault !== undefined) throw splitter.fault;
        }
      }
      const error = statusError(call.trailers);
      if (error !== undefined) throw error;
      if (splitter.isInside) throw new RpcError("INTERNAL", "the stream ended inside a message");
    } finally {
      call.cancel();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw fromCallError(error);
  }
}

function envelopeOf(message: Uint8Array): Uint8Array {
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  return envelope;
}
