import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import type { Http2SessionManager } from "@connectrpc/connect-node";
import { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "../recorder/service/error.js";
import { fromCallError } from "./connect-error.js";
import { EnvelopeSplitter } from "./envelope.js";

export interface ByteStreamRequest {
  /** `/package.Service/Method` */
  readonly path: string;
  /** The encoded request. */
  readonly message: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
  readonly signal: AbortSignal;
}

const STATUS_BY_NUMBER = new Map<number, RpcStatus>(
  Object.entries(RPC_STATUS_NUMBERS).map(([status, number]) => [number, status as RpcStatus]),
);

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const STATUS_OF_HTTP: Readonly<Record<number, RpcStatus>> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

/**
 * A server-streaming call of gRPC that hands out its responses as they came, in the lists in which they arrived: some
 * twenty flows at a time instead of one by one through Connect's chain of generators. The server may send on only as far as the
 * reader has read. Leaving early cancels the call.
 *
 * @throws RpcError from the iteration; when the signal is aborted, its reason.
 */
export async function* streamBytes(
  sessions: Http2SessionManager,
  request: ByteStreamRequest,
): AsyncGenerator<Uint8Array[], void, undefined> {
  const { signal } = request;
  signal.throwIfAborted();
  const stream = await openStream(sessions, request);
  const onAbort = () => stream.close(constants.NGHTTP2_CANCEL);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  let trailers: IncomingHttpHeaders | undefined;
  stream.on("trailers", (received) => (trailers = received));
  try {
    const headers = await responseHeaders(stream);
    const splitter = new EnvelopeSplitter(request.maxMessageBytes);
    for await (const chunk of stream) {
      sessions.notifyResponseByteRead(stream);
      const messages = splitter.split(chunk);
      if (messages.length > 0) yield messages;
    }
    signal.throwIfAborted();
    checkStatus(trailers ?? headers);
    if (splitter.isInside) throw new RpcError("INTERNAL", "the stream ended inside a message");
  } catch (error) {
    signal.throwIfAborted();
    throw fromCallError(error);
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  }
}

async function openStream(
  sessions: Http2SessionManager,
  { path, message, headers }: ByteStreamRequest,
): Promise<ClientHttp2Stream> {
  let stream: ClientHttp2Stream;
  try {
    stream = await sessions.request(
      "POST",
      path,
      {
        ...headers,
        "content-type": "application/grpc+proto",
        te: "trailers",
        "grpc-accept-encoding": "identity",
      },
      {},
    );
  } catch (error) {
    throw fromCallError(error);
  }
  // Whoever reads gets it; but nobody may be reading yet.
  stream.on("error", () => {});
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  stream.end(envelope);
  return stream;
}

function responseHeaders(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.once("close", () => reject(lostConnection()));
    stream.once("response", (headers) => {
      const status = headers[":status"] ?? 0;
      if (status === 200) resolve(headers);
      else reject(new RpcError(STATUS_OF_HTTP[status] ?? "UNKNOWN", `HTTP ${status}`));
    });
  });
}

function checkStatus(headers: IncomingHttpHeaders): void {
  const text = headers["grpc-status"];
  if (text === undefined) {
    throw lostConnection();
  }
  if (text === "0") return;
  const message = headers["grpc-message"];
  throw new RpcError(STATUS_BY_NUMBER.get(Number(text)) ?? "UNKNOWN", decodeMessage(String(message ?? "")));
}

function lostConnection(): RpcError {
  return new RpcError("UNAVAILABLE", "the connection was lost");
}

/** Percent-encoded; what is no encoding stays as it is. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
