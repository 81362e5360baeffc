import { createSecureServer, createServer } from "node:http2";
import type { ConnectRouter } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { aClock, type Clock, systemClock } from "../../async/clock.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import {
  aBoolean,
  aFunction,
  aNumberFrom,
  anInteger,
  aPositiveNumber,
  aString,
} from "../../errors/value-checks.js";
import type { RecorderService } from "../../recorder/service.js";
import type { NodeHandler } from "../grpc-message.js";
import { peerOfRequest } from "../peer.js";
import { parseTarget } from "../target.js";
import { SERVER_TLS, type ServerTls, serverTlsOptions } from "../tls.js";
import { aService, peerKey } from "./connect-service.js";
import { ServerConnections } from "./connections.js";
import { serverHandler } from "./handler.js";
import { addressOf, listen } from "./listen.js";
import { unknownMethodHandler } from "./refuse.js";
import { type MountedServices, mountServices } from "./services.js";

/** How a server listens, and what it serves in addition to the Recorder. */
export interface RecorderServerOptions {
  /** Certificates for TLS; with `clientCa` client certificates are verified. See `readServerTls`. Default: no TLS. */
  readonly tls?: ServerTls;
  /** Mounts further services, which health and reflection include. */
  readonly routes?: (router: ConnectRouter) => void;
  /** Whether to serve `grpc.health.v1`; default true. */
  readonly health?: boolean;
  /** Whether to serve gRPC reflection; default true. */
  readonly reflection?: boolean;
  /** File permissions of a Unix socket; default 0o600 (owner only). */
  readonly socketMode?: number;
  /**
   * Interval between pings of a connection, which is closed if a ping is not answered before the next; default 30,000.
   * An HTTP/1.1 connection is closed after that long without a request.
   */
  readonly pingIntervalMs?: number;
  /** Maximum number of concurrent connections; further ones are closed at once. Default 1,024. */
  readonly maxConnections?: number;
  /**
   * Maximum number of concurrent requests over all connections and services; further ones fail with RESOURCE_EXHAUSTED.
   * Default: the service's `maxCalls` plus 1,024.
   */
  readonly maxRequests?: number;
  /**
   * Maximum number of concurrent Watch calls of the health service; further ones fail with RESOURCE_EXHAUSTED. Default
   * 256.
   */
  readonly maxHealthWatches?: number;
  readonly clock?: Clock;
}

const SERVER_OPTIONS: OptionTable<RecorderServerOptions> = {
  tls: optionsOf("tls", SERVER_TLS),
  routes: aFunction,
  health: aBoolean,
  reflection: aBoolean,
  socketMode: anInteger(0, 0o777),
  pingIntervalMs: aPositiveNumber,
  maxConnections: aPositiveNumber,
  maxRequests: aPositiveNumber,
  maxHealthWatches: aPositiveNumber,
  clock: aClock,
};

/** Options of {@link RecorderServer.close}. */
export interface CloseOptions {
  /** Time for open calls to end, in milliseconds; default 10,000. */
  readonly graceMs?: number;
}

const CLOSE_OPTIONS: OptionTable<CloseOptions> = { graceMs: aNumberFrom(0) };

/** A listening server. Disposing of it closes it. */
export interface RecorderServer extends AsyncDisposable {
  /** Address for clients: `unix:///path`, `host:port` or `tls://host:port`, with the actual port. */
  readonly address: string;
  /**
   * Shuts down the service, so that recordings end gracefully and their clients receive `stopped`, then closes the
   * server. Connections still open after `graceMs` (default 10 s) are destroyed. Idempotent.
   *
   * @throws OptionsError
   */
  close(options?: CloseOptions): Promise<void>;
  /**
   * Replaces the certificates for new connections.
   *
   * @throws OptionsError; TypeError if the server was opened without TLS; Node's error for invalid certificates.
   */
  setTls(tls: ServerTls): void;
}

const DEFAULT_PING_INTERVAL_MS = 30_000;
const DEFAULT_GRACE_MS = 10_000;
const DEFAULT_SOCKET_MODE = 0o600;
const DEFAULT_MAX_CONNECTIONS = 1024;
/** Default allowance for requests other than Record: health, reflection, further services. */
const OTHER_REQUESTS = 1024;
/** Time limit for a TLS handshake; Node's default is two minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Serves a recorder over HTTP/2: gRPC, gRPC-web and the Connect protocol (with TLS also over HTTP/1.1, for health
 * checks).
 *
 * @param address `unix:///path`, or `host:port`, where port 0 selects a free port. A socket file left behind by a dead
 *   server is replaced; a socket with a listening server is not.
 * @throws OptionsError; TypeError for an invalid service; FlowscribeError `invalid_target`; the system error if the
 *   server cannot listen on the address.
 */
export async function openRecorderServer(
  address: string,
  service: RecorderService,
  options: RecorderServerOptions = {},
): Promise<RecorderServer> {
  checkArgument("openRecorderServer", "address", address, aString);
  checkArgument("openRecorderServer", "service", service, aService);
  checkOptions("openRecorderServer", options, SERVER_OPTIONS);
  const { tls, socketMode = DEFAULT_SOCKET_MODE, clock = systemClock } = options;
  const target = parseTarget(address);
  if (target.kind === "tcp" && target.tls && tls === undefined) {
    throw new FlowscribeError(
      "invalid_target",
      `${address}: TLS needs a certificate and its key (option tls)`,
    );
  }
  const {
    maxConnections = DEFAULT_MAX_CONNECTIONS,
    maxRequests = service.limits.maxCalls + OTHER_REQUESTS,
    maxHealthWatches,
  } = options;
  // True because connectNodeAdapter calls `routes` before it returns.
  let mounted!: MountedServices;
  const adapter = connectNodeAdapter({
    routes: (router) => {
      mounted = mountServices(router, service, {
        routes: options.routes,
        health: options.health !== false,
        reflection: options.reflection !== false,
        maxHealthWatches,
      });
    },
    fallback: unknownMethodHandler(() => mounted.names),
    readMaxBytes: service.limits.maxMessageBytes,
    contextValues: (request) => createContextValues().set(peerKey, peerOfRequest(request)),
  });
  const { startTimeoutMs: requestTimeoutMs } = service.limits;
  const handle = serverHandler(adapter, mounted.takesOneMessage, { maxRequests, requestTimeoutMs, clock });
  const handler: NodeHandler = (request, response) => {
    connections.addRequest(request, response);
    handle(request, response);
  };
  const secureServer =
    tls &&
    createSecureServer(
      { ...serverTlsOptions(tls), allowHTTP1: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
      handler,
    );
  const server = secureServer ?? createServer(handler);
  server.maxConnections = maxConnections;
  const connections = new ServerConnections(server, {
    clock,
    pingIntervalMs: options.pingIntervalMs ?? DEFAULT_PING_INTERVAL_MS,
  });
  await listen(server, target, socketMode);
  let closing: Promise<void> | undefined;

  async function closeOnce(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    mounted.health.shutdown();
    const graceOver = new Promise<void>((resolve) => {
      const cancelTimer = clock.setTimer(graceMs, resolve);
      void closed.then(cancelTimer);
    });
    await Promise.race([service.shutdown(), graceOver]);
    connections.close();
    await Promise.race([closed, graceOver]);
    connections.destroy();
    await closed;
  }

  const close = async (closeOptions: CloseOptions = {}) => {
    checkOptions("close", closeOptions, CLOSE_OPTIONS);
    const { graceMs = DEFAULT_GRACE_MS } = closeOptions;
    closing ??= closeOnce(graceMs);
    return closing;
  };
  return {
    address: addressOf(server, tls !== undefined),
    close,
    setTls: (newTls) => {
      checkOptions("setTls", newTls, SERVER_TLS);
      if (secureServer === undefined) throw new TypeError("the server was opened without TLS");
      secureServer.setSecureContext(serverTlsOptions(newTls));
    },
    [Symbol.asyncDispose]: () => close(),
  };
}
