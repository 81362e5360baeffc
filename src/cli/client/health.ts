import { createClient } from "@connectrpc/connect";
import { fromConnectError, Health, type RpcTransport } from "../../rpc/index.js";

/** `grpc.health.v1.HealthCheckResponse.ServingStatus` */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING = 1;

/** The health of a server. */
export interface HealthState {
  readonly isHealthy: boolean;
  /** As in `hubble status`: `Ok`, or `Unavailable: NOT_SERVING`. */
  readonly text: string;
}

/**
 * Returns the health of a server; undefined if it does not implement gRPC's health check.
 *
 * @throws RpcError; the signal's reason.
 */
export async function checkHealth(
  transport: RpcTransport,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<HealthState | undefined> {
  // The cast is true: the descriptor is created at run time, so its type does not contain the methods.
  const { check } = createClient(Health, transport) as unknown as {
    readonly check: (request: object, options: object) => Promise<{ readonly status: number }>;
  };
  try {
    const { status } = await check({}, options);
    const isHealthy = status === SERVING;
    return { isHealthy, text: isHealthy ? "Ok" : `Unavailable: ${STATUSES[status] ?? status}` };
  } catch (error) {
    options.signal.throwIfAborted();
    const rpcError = fromConnectError(error);
    if (rpcError.status === "UNIMPLEMENTED") return undefined;
    throw rpcError;
  }
}
