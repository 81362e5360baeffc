import { createClient } from "@connectrpc/connect";
import { fromConnectError, Health, type RpcTransport } from "../../rpc/index.js";

/** `grpc.health.v1.HealthCheckResponse.ServingStatus` */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING = 1;

/** What the server says of its health; undefined when it does not serve gRPC's health check. */
export interface HealthState {
  readonly isHealthy: boolean;
  /** As `hubble status` has it: `Ok`, or `Unavailable: NOT_SERVING`. */
  readonly text: string;
}

/** @throws RpcError; the signal's reason. */
export async function checkHealth(
  transport: RpcTransport,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<HealthState | undefined> {
  // The descriptor is made at run time, so that the type does not say what there is.
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
