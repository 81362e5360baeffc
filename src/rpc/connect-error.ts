import { Code, ConnectError } from "@connectrpc/connect";
import { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "../recorder/service/error.js";
import { boundedMessage } from "./grpc-message.js";

// Connect's codes have the same numbers as gRPC's.
const STATUS_BY_NUMBER = new Map(
  Object.entries(RPC_STATUS_NUMBERS).map(([status, number]) => [number as number, status as RpcStatus]),
);

/**
 * Converts an error for Connect to send. An error that is neither a ConnectError nor an RpcError becomes INTERNAL, and
 * its message is not sent.
 */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof RpcError))
    return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  const code = RPC_STATUS_NUMBERS[error.status] as Code;
  return new ConnectError(boundedMessage(error.message), code, undefined, undefined, error);
}

/** Converts an error that Connect reports for a call. */
export function fromConnectError(error: unknown): RpcError {
  const rpcError = rpcErrorIn(error);
  if (rpcError !== undefined) return rpcError;
  const connectError = ConnectError.from(error);
  return new RpcError(statusOf(connectError), connectError.rawMessage, { cause: error });
}

function statusOf(connectError: ConnectError): RpcStatus {
  if (isLostConnection(connectError)) return "UNAVAILABLE";
  // Connect reports INVALID_ARGUMENT, to clients and servers alike.
  if (connectError.rawMessage === INCOMPLETE_MESSAGE) return "INTERNAL";
  return STATUS_BY_NUMBER.get(connectError.code) ?? "UNKNOWN";
}

/** Connect's message for a response that ends inside a message. */
const INCOMPLETE_MESSAGE = "protocol error: incomplete envelope";

/**
 * Converts the error of a call that this side has not cancelled. If Connect reports a cancelled stream, Node has closed
 * it because its connection was lost.
 */
export function fromCallError(error: unknown): RpcError {
  const rpcError = fromConnectError(error);
  const isReset = rpcError.status === "CANCELLED" && rpcError.message.startsWith("http/2 stream closed");
  return isReset ? new RpcError("UNAVAILABLE", "the connection was lost", { cause: error }) : rpcError;
}

/**
 * Node's codes for a lost connection. Connect maps some of these to ABORTED or INTERNAL, where gRPC uses UNAVAILABLE.
 */
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

/** Maximum number of causes to follow, in case an error is its own cause. */
const MAX_CAUSES = 8;

/** Yields an error and its causes. */
function* causesOf(error: unknown): Generator<Error, void, undefined> {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++) {
    yield cause;
    cause = cause.cause;
  }
}

/** The error of this package's transport, if Connect has wrapped one. */
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
