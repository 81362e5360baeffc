import { Code, ConnectError } from "@connectrpc/connect";
import { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "../recorder/service/error.js";
import { boundedMessage } from "./grpc-message.js";

// Connect's codes are those of gRPC, by number.
const STATUS_BY_NUMBER = new Map(
  Object.entries(RPC_STATUS_NUMBERS).map(([status, number]) => [number as number, status as RpcStatus]),
);

/** The same failure for Connect to send; what is not meant for a client becomes INTERNAL without its text. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof RpcError))
    return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  const code = RPC_STATUS_NUMBERS[error.status] as Code;
  return new ConnectError(boundedMessage(error.message), code, undefined, undefined, error);
}

/** The failure of a call as Connect reports it. */
export function fromConnectError(error: unknown): RpcError {
  const rpcError = rpcErrorIn(error);
  if (rpcError !== undefined) return rpcError;
  const connectError = ConnectError.from(error);
  return new RpcError(statusOf(connectError), connectError.rawMessage, { cause: error });
}

function statusOf(connectError: ConnectError): RpcStatus {
  if (isLostConnection(connectError)) return "UNAVAILABLE";
  // Connect says INVALID_ARGUMENT, to clients as to servers.
  if (connectError.rawMessage === INCOMPLETE_MESSAGE) return "INTERNAL";
  return STATUS_BY_NUMBER.get(connectError.code) ?? "UNKNOWN";
}

/** Connect's text for a response that ends inside a message. */
const INCOMPLETE_MESSAGE = "protocol error: incomplete envelope";

/**
 * The failure of a call that this side has not cancelled: where Connect then tells of a cancelled stream, Node has cancelled
 * it because its connection is gone.
 */
export function fromCallError(error: unknown): RpcError {
  const rpcError = fromConnectError(error);
  const isReset = rpcError.status === "CANCELLED" && rpcError.message.startsWith("http/2 stream closed");
  return isReset ? new RpcError("UNAVAILABLE", "the connection was lost", { cause: error }) : rpcError;
}

/** What Node calls a connection that broke; Connect says ABORTED or INTERNAL of some of these, where gRPC says UNAVAILABLE. */
const LOST = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ENOENT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

/** Causes looked at; an error that causes itself must not hold anything up. */
const MAX_CAUSES = 8;

/** The error and what caused it. */
function* causesOf(error: unknown): Generator<Error, void, undefined> {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
    yield cause;
    cause = cause.cause;
  }
}

/** What a transport of ours has said before Connect put it into an error of its own. */
function rpcErrorIn(error: unknown): RpcError | undefined {
  for (const cause of causesOf(error)) if (cause instanceof RpcError) return cause;
  return undefined;
}

function isLostConnection(connectError: ConnectError): boolean {
  for (const cause of causesOf(connectError.cause)) {
    if ("code" in cause && typeof cause.code === "string" && LOST.has(cause.code)) return true;
  }
  return false;
}
