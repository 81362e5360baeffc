import { FlowscribeError } from "../../errors/errors.js";
import type { ServerStatusResponse } from "../../gen/observer/observer_pb.js";
import { openTransport, RpcError, type RpcTransport, readClientTls, serverStatus } from "../../rpc/index.js";
import { UsageError } from "../error-text.js";
import type { ServerOptions } from "./options.js";

/**
 * Opens a transport to the server. The first call connects.
 *
 * @throws The system's error for a file that cannot be read; UsageError for certificates and keys that are not PEM, and
 *   for a password that would be sent unencrypted.
 */
export async function openServer({
  address,
  pingIntervalMs,
  tls,
  basicAuth,
}: ServerOptions): Promise<RpcTransport> {
  try {
    return openTransport(address, {
      ...(pingIntervalMs !== undefined && { pingIntervalMs }),
      ...(tls && { tls: await readTls(tls) }),
      ...(basicAuth && { basicAuth }),
    });
  } catch (error) {
    if (error instanceof FlowscribeError && error.code === "invalid_target") {
      throw new UsageError(error.message);
    }
    throw error;
  }
}

async function readTls({
  caCertFiles,
  clientCertFile,
  clientKeyFile,
  serverName,
  insecure,
}: NonNullable<ServerOptions["tls"]>) {
  const files = await readClientTls({
    caCertFiles,
    ...(clientCertFile !== undefined && { clientCertFile }),
    ...(clientKeyFile !== undefined && { clientKeyFile }),
  });
  return { ...files, ...(serverName !== undefined && { serverName }), insecure };
}

/**
 * Queries the server status first, so that an unreachable server is reported within the timeout instead of being
 * retried repeatedly. Returns the status; undefined if the server responds with an error.
 *
 * @throws Error whose message names the server; the signal's reason.
 */
export async function checkServer(
  transport: RpcTransport,
  server: ServerOptions,
  signal: AbortSignal,
): Promise<ServerStatusResponse | undefined> {
  try {
    return await serverStatus(transport, { timeoutMs: server.timeoutMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    // The server has responded. If it rejects the next call, that call reports it.
    if (!isNoAnswer(error)) return undefined;
    throw firstCallError(server, error);
  }
}

function isNoAnswer(error: unknown): boolean {
  return (
    !(error instanceof RpcError) || error.status === "UNAVAILABLE" || error.status === "DEADLINE_EXCEEDED"
  );
}

/** Converts the error of the first call to a server; adds the likely cause if the server did not respond in time. */
export function firstCallError({ address, timeoutMs, tls }: ServerOptions, error: unknown): unknown {
  if (!(error instanceof RpcError) || error.status !== "DEADLINE_EXCEEDED")
    return serverError(address, error);
  const cause =
    tls === undefined ? "it may not be a gRPC server, or expect TLS (tls://)" : "it may not be a gRPC server";
  const text = `the server did not answer within ${timeoutMs / 1000} s (--timeout): ${cause}`;
  return serverError(address, new RpcError("DEADLINE_EXCEEDED", text, { cause: error }));
}

/** Adds the server to an error, with the status as the Hubble CLI formats it. */
export function serverError(address: string, error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  return new Error(`${address}: rpc error: code = ${goCode(error.status)} desc = ${error.message}`, {
    cause: error,
  });
}

/** `DEADLINE_EXCEEDED` is `DeadlineExceeded` in Go; `CANCELLED` has another spelling. */
function goCode(status: string): string {
  if (status === "CANCELLED") return "Canceled";
  return status
    .split("_")
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join("");
}
