import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { anInteger, anObjectOf, aPositiveNumber, aString, required } from "../errors/value-checks.js";
import { streamBytes } from "./client/byte-stream.js";
import { ClientConnection } from "./client/client-connection.js";
import { createEndpoint } from "./client/dial.js";
import { createHttpClient } from "./client/http-client.js";
import { DEFAULT_KEEPALIVE, type KeepaliveTimes } from "./client/keepalive.js";
import { parseTarget, type Target } from "./target.js";
import { CLIENT_TLS, type ClientTls } from "./tls.js";

/** How to connect to a server. */
export interface TransportOptions {
  /**
   * TLS settings. If present, TLS is used for any address; otherwise the address decides (`tls://`), and the default
   * authorities are trusted.
   */
  readonly tls?: ClientTls;
  /** Credentials sent with every call, as the Hubble CLI does; only over TLS or a Unix socket. */
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** Additional headers of every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Milliseconds without received data before the server is pinged during a call, and between further pings; 0 disables
   * pings. Default: 30,000 before the first ping and 310,000 between further ones, which gRPC servers in Go accept. A
   * server that is pinged more often than it allows closes the connection (`too_many_pings`); the interval is then
   * doubled.
   */
  readonly pingIntervalMs?: number;
  /** Milliseconds to wait for the answer to a ping before the connection counts as lost; default 20,000, as in gRPC. */
  readonly pingTimeoutMs?: number;
  /** Maximum size of a received message in bytes; default 4 MiB, as in gRPC. */
  readonly maxMessageBytes?: number;
  /** Clock for pings, timeouts and idle times; default: the system clock. */
  readonly clock?: Clock;
}

/** Maximum delay of a timer. */
const MAX_PING_MS = 2 ** 31 - 1;

const TRANSPORT_OPTIONS: OptionTable<TransportOptions> = {
  tls: optionsOf("tls", CLIENT_TLS),
  basicAuth: optionsOf<NonNullable<TransportOptions["basicAuth"]>>("basicAuth", {
    username: required(aString),
    password: required(aString),
  }),
  headers: anObjectOf(aString),
  pingIntervalMs: anInteger(0, MAX_PING_MS),
  pingTimeoutMs: anInteger(1, MAX_PING_MS),
  maxMessageBytes: aPositiveNumber,
  clock: aClock,
};

/** A transport for any Connect client. It connects to the server on first use, and again after a lost connection. */
export interface RpcTransport extends Transport, AsyncDisposable {
  /**
   * Makes a call with one request and yields its encoded responses in batches, as they arrive. `observe` uses it.
   * Ending the iteration early cancels the call.
   *
   * @throws RpcError from the iteration, or the signal's reason.
   */
  streamBytes(
    method: DescMethod,
    message: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array[]>;
  /** Closes the connection; open calls fail with CANCELLED. A later call opens a new connection. */
  close(): void;
}

const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const MAX_UINT32 = 0xffff_ffff;

/**
 * Creates a gRPC transport to a Hubble server, Relay or a recorder. A failed call always reports a single `RpcError`:
 * UNAVAILABLE with the likely cause if there is no connection to a gRPC server.
 *
 * @param address Server address as for the Hubble CLI, see `parseTarget`.
 * @throws FlowscribeError `invalid_target` for an invalid address, for unreadable certificates and keys, and for a
 *   password that would be sent in plain text; OptionsError.
 *
 * @example
 * ```ts
 * await using transport = openTransport("unix:///var/run/cilium/hubble.sock");
 * const { numFlows } = await serverStatus(transport);
 * ```
 */
export function openTransport(address: string, options: TransportOptions = {}): RpcTransport {
  checkArgument("openTransport", "address", address, aString);
  checkOptions("openTransport", options, TRANSPORT_OPTIONS);
  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, clock = systemClock } = options;
  const target = parseTarget(address);
  const isSecure = options.tls !== undefined || (target.kind === "tcp" && target.tls);
  if (options.basicAuth !== undefined && !isSecure && target.kind === "tcp") {
    throw new FlowscribeError(
      "invalid_target",
      `basic authentication needs TLS: give tls, or an address that begins with tls:// instead of ${JSON.stringify(address)}`,
    );
  }
  const baseUrl = `${isSecure ? "https" : "http"}://${authorityOf(target)}`;
  const endpoint = createEndpoint(target, isSecure ? (options.tls ?? {}) : undefined);
  const connection = new ClientConnection({ endpoint, baseUrl, keepalive: keepaliveOf(options), clock });
  const headers = headersOf(options);
  const transport = createTransport({
    baseUrl,
    httpClient: createHttpClient(connection),
    interceptors: [sendHeaders(headers)],
    useBinaryFormat: true,
    acceptCompression: [compressionGzip, compressionBrotli],
    sendCompression: null,
    compressMinBytes: MAX_UINT32,
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: MAX_UINT32,
  });
  const close = () => connection.close();
  return {
    ...transport,
    streamBytes: (method, message, { signal }) => {
      const path = `/${method.parent.typeName}/${method.name}`;
      return streamBytes(connection, { path, message, headers, maxMessageBytes, signal });
    },
    close,
    [Symbol.asyncDispose]: async () => close(),
  };
}

function keepaliveOf({ pingIntervalMs, pingTimeoutMs }: TransportOptions): KeepaliveTimes {
  return {
    intervalMs: pingIntervalMs ?? DEFAULT_KEEPALIVE.intervalMs,
    repeatMs: pingIntervalMs ?? DEFAULT_KEEPALIVE.repeatMs,
    timeoutMs: pingTimeoutMs ?? DEFAULT_KEEPALIVE.timeoutMs,
  };
}

function authorityOf(target: Target): string {
  // As in gRPC, because a Unix socket has no host name.
  if (target.kind === "unix") return "localhost";
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  return `${host}:${target.port}`;
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
