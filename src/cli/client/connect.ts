import { FlowscribeError } from "../../errors/errors.js";
import type { ServerStatusResponse } from "../../gen/observer/observer_pb.js";
import { openTransport, RpcError, type RpcTransport, readClientTls, serverStatus } from "../../rpc/index.js";
import { UsageError } from "../error-text.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import type { ServerOptions } from "./options.js";

/** A transport to a server. Disposing of it closes the connection and ends the forwarding of the port. */
export interface OpenedServer extends AsyncDisposable {
  readonly transport: RpcTransport;
  /** The options, with the address of the forwarded port. */
  readonly server: ServerOptions;
}

/**
 * Opens a transport to the server. The first call connects. With `portForward`, waits until the port is forwarded.
 *
 * @throws The system's error for a file that cannot be read; UsageError for certificates and keys that are not PEM, and
 *   for a password that would be sent unencrypted; Error if the port cannot be forwarded; the signal's reason.
 */
export async function openServer(
  server: ServerOptions,
  { env, clock, signal }: Pick<Io, "env" | "clock" | "signal">,
  messages: Pick<Messages, "report">,
): Promise<OpenedServer> {
  const { portForward, timeoutMs } = server;
  if (portForward === undefined) return opened(server, await openServerTransport(server));
  const { openPortForward } = await import("./port-forward.js");
  const forward = await openPortForward(portForward, { env, clock, signal, timeoutMs, messages });
  try {
    const reached = { ...server, address: forward.address };
    return opened(reached, await openServerTransport(reached), forward);
  } catch (error) {
    await forward[Symbol.asyncDispose]();
    throw error;
  }
}

function opened(server: ServerOptions, transport: RpcTransport, forward?: AsyncDisposable): OpenedServer {
  return {
    server,
    transport,
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await forward?.[Symbol.asyncDispose]();
    },
  };
}

async function openServerTransport({
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

/** A server that has responded. */
export interface ReachedServer extends OpenedServer {
  /** The version that it reports; undefined if it reports none or responds with an error. */
  readonly version: string | undefined;
}

/**
 * Opens a transport and queries the server status first, so that an unreachable server is reported within the timeout
 * instead of being retried repeatedly.
 *
 * @throws As {@link openServer}; Error whose message names the server.
 */
export async function reachServer(
  server: ServerOptions,
  io: Pick<Io, "env" | "clock" | "signal">,
  messages: Pick<Messages, "report">,
): Promise<ReachedServer> {
  const opened = await openServer(server, io, messages);
  try {
    return { ...opened, version: await queryVersion(opened, io.signal) };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function queryVersion(
  { transport, server }: OpenedServer,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await statusAndVersion(transport, { timeoutMs: server.requestTimeout.ms, signal })).version;
  } catch (error) {
    signal.throwIfAborted();
    // The server has responded. If it rejects the next call, that call reports it.
    if (!isNoAnswer(error)) return undefined;
    throw firstCallError(server, error);
  }
}

/** Headers with the version of the server, which Hubble sends with every response since 1.18. */
const VERSION_HEADERS = ["hubble-server-version", "hubble-relay-version"];

/** The status of a server, and its version: that of the status or, if it has none, of a header. */
export async function statusAndVersion(
  transport: RpcTransport,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<{ readonly status: ServerStatusResponse; readonly version: string | undefined }> {
  let headers: Headers | undefined;
  const unary: RpcTransport["unary"] = async (...call) => {
    const response = await transport.unary(...call);
    headers = response.header;
    return response;
  };
  const status = await serverStatus({ ...transport, unary }, options);
  const versions = [status.version, ...VERSION_HEADERS.map((name) => headers?.get(name) ?? "")];
  return { status, version: versions.find((version) => version !== "") };
}

function isNoAnswer(error: unknown): boolean {
  return (
    !(error instanceof RpcError) || error.status === "UNAVAILABLE" || error.status === "DEADLINE_EXCEEDED"
  );
}

/** Converts the error of the first call to a server; adds the likely cause if the server did not respond in time. */
export function firstCallError({ address, requestTimeout, tls }: ServerOptions, error: unknown): unknown {
  if (!(error instanceof RpcError) || error.status !== "DEADLINE_EXCEEDED")
    return serverError(address, error);
  const cause =
    tls === undefined ? "it may not be a gRPC server, or expect TLS (tls://)" : "it may not be a gRPC server";
  const { ms, flag } = requestTimeout;
  const text = `the server did not answer within ${ms / 1000} s (${flag}): ${cause}`;
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
