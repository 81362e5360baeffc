import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { anInteger, anObjectOf, aPositiveNumber, aString, required } from "../errors/value-checks.js";
import { streamBytes } from "./byte-stream.js";
import { ClientConnection } from "./client/client-connection.js";
import { createEndpoint } from "./client/dial.js";
import { createHttpClient } from "./client/http-client.js";
import { DEFAULT_KEEPALIVE, type KeepaliveTimes } from "./client/keepalive.js";
import { parseTarget, type Target } from "./target.js";
import { CLIENT_TLS, type ClientTls } from "./tls.js";

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
   * Milliseconds of silence after which the server is pinged while a call is under way, and between further pings; 0 never
   * pings. By default 30,000 before the first ping and 310,000 between further ones, which gRPC's servers in Go accept:
   * a server that is pinged more often than it allows closes the connection (`too_many_pings`), and the interval is doubled.
   */
  readonly pingIntervalMs?: number;
  /** Milliseconds that the answer to a ping may take before the connection counts as lost; 20,000 by default, as in gRPC. */
  readonly pingTimeoutMs?: number;
  /** Bytes of one message; 4 MiB by default, as in gRPC. */
  readonly maxMessageBytes?: number;
  /** For the times above. */
  readonly clock?: Clock;
}

/** The longest delay of a timer. */
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

/** A connection to a server, made when it is first used and again after it broke. Any client of Connect runs on it. */
export interface RpcTransport extends Transport, AsyncDisposable {
  /**
   * A call with one request that yields its responses still encoded, in the lists in which they arrived; `observe` reads so.
   * Leaving early cancels the call.
   *
   * @throws RpcError from the iteration, or the signal's reason.
   */
  streamBytes(
    method: DescMethod,
    message: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array[]>;
  /** Closes the connection; calls under way fail with CANCELLED. A later call opens a new one. */
  close(): void;
}

const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const MAX_UINT32 = 0xffff_ffff;

/**
 * A gRPC transport to a Hubble server, Relay or a recorder. Whatever the server is or does, a call fails with one `RpcError`:
 * UNAVAILABLE with the likely cause where there is no connection to a gRPC server.
 *
 * @param address As for the Hubble CLI, see `parseTarget`.
 * @throws FlowscribeError `invalid_target` for an invalid address, for certificates and keys that cannot be read, and for
 *   a password that would be sent in plain text; OptionsError.
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
  // As in gRPC, as a unix socket has no name.
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
