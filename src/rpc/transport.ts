import type { SecureClientSessionOptions } from "node:http2";
import { connect } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { FlowscribeError } from "../errors.js";
import { streamBytes } from "./byte-stream.js";
import { parseTarget, type Target } from "./target.js";
import type { ClientTls } from "./tls.js";

/** How a server is reached. */
export interface TransportOptions {
  /**
   * How to use TLS; without it the address decides (`tls://`), and the system's authorities are trusted. With it TLS is
   * used, whatever the address says.
   */
  readonly tls?: ClientTls;
  /** Sent as the Hubble CLI does, with every call; only over TLS or a unix socket. */
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** Further headers of every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How often to ask a silent connection whether it is alive; never by default, as gRPC servers in Go cut off clients that ask more
   * often than every five minutes.
   */
  readonly pingIntervalMs?: number;
  /** Bytes of one message; 4 MiB by default, as in gRPC. */
  readonly maxMessageBytes?: number;
}

/** A connection to a server, made when it is first used and again after it broke. Any client of Connect runs on it. */
export interface RpcTransport extends Transport, AsyncDisposable {
  /**
   * A call with one request, its responses still encoded, in the lists in which they arrived; `observe` reads so. Leaving
   * early cancels the call.
   *
   * @throws RpcError from the iteration, or the signal's reason.
   */
  streamBytes(
    method: DescMethod,
    message: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array[]>;
  /** Cuts the connection, and with it the calls under way. */
  close(): void;
}

const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** How much a server may send ahead, per call: flows come in bursts. */
const WINDOW_BYTES = 1024 * 1024;

/**
 * A gRPC transport to a Hubble server, Relay or a recorder.
 *
 * @param address As for the Hubble CLI, see `parseTarget`.
 * @throws FlowscribeError `invalid_target` for an address that is none, and for a password that would go over the net
 *   as plain text.
 */
export function openTransport(address: string, options: TransportOptions = {}): RpcTransport {
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, pingIntervalMs } = options;
  const target = parseTarget(address);
  const secure = options.tls !== undefined || (target.kind === "tcp" && target.tls);
  if (options.basicAuth !== undefined && !secure && target.kind === "tcp") {
    throw new FlowscribeError(
      "invalid_target",
      `basic authentication needs TLS: give tls, or an address that begins with tls:// instead of ${JSON.stringify(address)}`,
    );
  }
  const baseUrl = `${secure ? "https" : "http"}://${authorityOf(target)}`;
  const sessionManager = new Http2SessionManager(
    baseUrl,
    pingIntervalMs === undefined ? {} : { pingIntervalMs },
    sessionOptions(target, secure, options.tls),
  );
  const headers = headersOf(options);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes: maxMessageBytes,
    interceptors: [sendHeaders(headers)],
  });
  const close = () => sessionManager.abort();
  return {
    ...transport,
    streamBytes: (method, message, { signal }) => {
      const path = `/${method.parent.typeName}/${method.name}`;
      return streamBytes(sessionManager, { path, message, headers, maxMessageBytes, signal });
    },
    close,
    [Symbol.asyncDispose]: async () => close(),
  };
}

function authorityOf(target: Target): string {
  // As gRPC has it for a unix socket: there is no name to tell.
  if (target.kind === "unix") return "localhost";
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  return `${host}:${target.port}`;
}

function sessionOptions(target: Target, secure: boolean, tls: ClientTls = {}): SecureClientSessionOptions {
  const settings = { initialWindowSize: WINDOW_BYTES, enablePush: false };
  if (target.kind === "unix" && !secure) {
    return { settings, createConnection: () => connect(target.path) };
  }
  const { ca, cert, key, serverName, insecure = false } = tls;
  return {
    settings,
    ...(target.kind === "unix" && { path: target.path }),
    ...(ca !== undefined && { ca: ca.map(String) }),
    ...(cert !== undefined && { cert: String(cert) }),
    ...(key !== undefined && { key: String(key) }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(insecure && { rejectUnauthorized: false }),
  };
}

function headersOf({ basicAuth, headers = {} }: TransportOptions): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
  if (basicAuth !== undefined) {
    const credentials = Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString("base64");
    all.authorization = `Basic ${credentials}`;
  }
  return all;
}

function sendHeaders(headers: Readonly<Record<string, string>>): Interceptor {
  return (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
}
