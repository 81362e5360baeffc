import { FlowscribeError } from "../../errors/errors.js";

/** gRPC status codes that a call can fail with, by name (https://grpc.io/docs/guides/status-codes/). */
export const RPC_STATUS_NUMBERS = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a gRPC status. */
export type RpcStatus = keyof typeof RPC_STATUS_NUMBERS;

/** A failed call. A service throws it to its client, and a client call throws it with the same status and message. */
export class RpcError extends FlowscribeError {
  declare readonly code: "rpc_failed";
  readonly status: RpcStatus;

  constructor(status: RpcStatus, message: string, options?: ErrorOptions) {
    super("rpc_failed", message, options);
    this.status = status;
  }
}

/** By system error code or FlowscribeError code. */
const STATUS_OF_CODE: Readonly<Record<string, RpcStatus>> = {
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EROFS: "PERMISSION_DENIED",
  ENOSPC: "RESOURCE_EXHAUSTED",
  EDQUOT: "RESOURCE_EXHAUSTED",
  EFBIG: "RESOURCE_EXHAUSTED",
  EMFILE: "RESOURCE_EXHAUSTED",
  ENFILE: "RESOURCE_EXHAUSTED",
  ENOMEM: "RESOURCE_EXHAUSTED",
  ENOBUFS: "RESOURCE_EXHAUSTED",
  ENODEV: "FAILED_PRECONDITION",
  ENXIO: "FAILED_PRECONDITION",
  ENETDOWN: "UNAVAILABLE",
  capture_denied: "PERMISSION_DENIED",
  capture_unavailable: "FAILED_PRECONDITION",
  no_such_device: "FAILED_PRECONDITION",
  device_down: "UNAVAILABLE",
  device_gone: "UNAVAILABLE",
};

/** Maximum depth of the cause chain, in case an error is its own cause. */
const MAX_CAUSES = 8;

/**
 * The gRPC status for a failure of a source or a sink: that of the first RpcError or known error code in its cause
 * chain, otherwise INTERNAL.
 */
export function statusOfFailure(failure: unknown): RpcStatus {
  let error = failure;
  for (let depth = 0; depth < MAX_CAUSES && error instanceof Error; depth++) {
    if (error instanceof RpcError) return error.status;
    const status = "code" in error && typeof error.code === "string" ? STATUS_OF_CODE[error.code] : undefined;
    if (status !== undefined) return status;
    error = error.cause;
  }
  return "INTERNAL";
}

/** The error that ends a call whose signal is aborted. */
export function abortError(reason: unknown): RpcError {
  if (reason instanceof RpcError) return reason;
  const timedOut = reason instanceof Error && reason.name === "TimeoutError";
  return timedOut
    ? new RpcError("DEADLINE_EXCEEDED", "context deadline exceeded", { cause: reason })
    : new RpcError("CANCELLED", "context canceled", { cause: reason });
}
