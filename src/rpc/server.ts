import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { codeOf } from "../errors/message.js";
import { aBoolean, aFunction, aNumberFrom, anInteger, aPositiveNumber } from "../errors/value-checks.js";
import type { RecorderService } from "../recorder/service.js";
import { aService, peerKey } from "./connect-service.js";
import type { NodeHandler } from "./grpc-message.js";
import { peerOfRequest } from "./peer.js";
import { unknownMethodHandler } from "./refuse.js";
import { ServerConnections } from "./server-connections.js";
import { serverHandler } from "./server-handler.js";
import { type MountedServices, mountServices } from "./server-services.js";
import { parseTarget } from "./target.js";
import { SERVER_TLS, type ServerTls, serverTlsOptions } from "./tls.js";

/** How a server listens, and what it serves beside the Recorder. */
export interface RecorderServerOptions {
  /** Serves TLS, and checks client certificates when there is a `clientCa`; see `readServerTls`. */
  readonly tls?: ServerTls;
  /** Further services; health and reflection know them, too. */
  readonly routes?: (router: ConnectRouter) => void;
  /** Serves `grpc.health.v1`; true by default. */
  readonly health?: boolean;
  /** Serves gRPC reflection; true by default. */
  readonly reflection?: boolean;
  /** Permissions of a unix socket: its owner's only, by default. */
  readonly socketMode?: number;
  /** How often a connection is asked whether it is alive; it is closed when there is no answer by the next time. */
  readonly pingIntervalMs?: number;
  /** Connections at once, 1,024 by default; one more is closed as soon as it is made. */
  readonly maxConnections?: number;
  /**
   * Requests at once over all connections and services, by default 1,024 more than the service's `maxCalls`; one more fails
   * with RESOURCE_EXHAUSTED.
   */
  readonly maxRequests?: number;
  /** Calls of the health service's Watch at once, 256 by default; one more fails with RESOURCE_EXHAUSTED. */
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

/** How a server is closed. */
export interface CloseOptions {
  /** How long calls may take to end; 10 s by default. */
  readonly graceMs?: number;
}

const CLOSE_OPTIONS: OptionTable<CloseOptions> = { graceMs: aNumberFrom(0) };

/** A server that listens. Disposing of it closes it. */
export interface RecorderServer extends AsyncDisposable {
  /** What a client is to be given: `unix:///path`, `host:port` or `tls://host:port`, with the port that it is. */
  readonly address: string;
  /**
   * Shuts the service down, so that recordings end well and their clients get `stopped`, and closes; connections that
   * are still open after `graceMs` (10 s by default) are cut. Again is harmless.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Takes new certificates, for connections made from now on. */
  setTls(tls: ServerTls): void;
}

const DEFAULT_PING_INTERVAL_MS = 30_000;
const DEFAULT_GRACE_MS = 10_000;
const DEFAULT_SOCKET_MODE = 0o600;
const DEFAULT_MAX_CONNECTIONS = 1024;
/** For calls other than Record: health, reflection, further services. */
const OTHER_REQUESTS = 1024;
/** How long a client may take for a TLS handshake; Node's default is two minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Serves a recorder over HTTP/2: gRPC, gRPC-web and the Connect protocol (with TLS also over HTTP/1.1, for health checks).
 *
 * @param address `unix:///path`, or `host:port` with port 0 for any that is free. A socket that a dead server has left is
 *   replaced; one that answers is not.
 * @throws OptionsError; FlowscribeError `invalid_target`; the system's error when the address cannot be
 *   listened on.
 */
export async function openRecorderServer(
  address: string,
  service: RecorderService,
  options: RecorderServerOptions = {},
): Promise<RecorderServer> {
  checkArgument("openRecorderServer", "service", service, aService);
  checkOptions("openRecorderServer", options, SERVER_OPTIONS);
  const { tls, socketMode = DEFAULT_SOCKET_MODE, clock = systemClock } = options;
  const target = parseTarget(address);
  const {
    maxConnections = DEFAULT_MAX_CONNECTIONS,
    maxRequests = service.limits.maxCalls + OTHER_REQUESTS,
    maxHealthWatches,
  } = options;
  // Assigned before connectNodeAdapter returns.
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
    connections.exposeSocket(request);
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
  if (target.kind === "unix") {
    await removeDeadSocket(target.path);
    await listen(server, { path: target.path });
    chmodSync(target.path, socketMode);
  } else {
    await listen(server, { host: target.host, port: target.port });
  }
  let closing: Promise<void> | undefined;

  async function closeOnce(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    mounted.health.shutdown();
    const graceOver = new Promise<void>((resolve) => {
      const callOff = clock.setTimer(graceMs, resolve);
      void closed.then(callOff);
    });
    await Promise.race([service.shutdown(), graceOver]);
    connections.finish();
    await Promise.race([closed, graceOver]);
    connections.cut();
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

function listen(
  server: Http2Server | Http2SecureServer,
  where: { path: string } | { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** A socket that nobody answers at was left by a server that died. Anything that is no socket stays. */
async function removeDeadSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const code = await new Promise<unknown>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error) => resolve(codeOf(error)));
  });
  if (code === "ECONNREFUSED") unlinkSync(path);
}

function addressOf(server: Http2Server | Http2SecureServer, tls: boolean): string {
  const address = server.address() as AddressInfo | string;
  if (typeof address === "string") return address.startsWith("/") ? `unix://${address}` : `unix:${address}`;
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `${tls ? "tls://" : ""}${host}:${address.port}`;
}
