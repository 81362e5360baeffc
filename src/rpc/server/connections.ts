import type { IncomingMessage } from "node:http";
import type { Http2SecureServer, Http2Server, Http2ServerRequest, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../async/clock.js";
import { Http1Connections, type Response } from "./http1-connections.js";
import { SessionSocket } from "./session-socket.js";

/** Keepalive settings of server connections. */
export interface ServerConnectionsOptions {
  readonly clock: Clock;
  /**
   * Interval between pings of an HTTP/2 connection; it is closed if a ping is not answered before the next one. An
   * HTTP/1.1 connection is closed after that long without a request.
   */
  readonly pingIntervalMs: number;
}

type ConnectionListener = (this: Http2Server | Http2SecureServer, socket: object) => void;

/**
 * Manages the connections of an HTTP/2 server: pings them, closes them with the server, and closes them if the peer
 * violates HTTP/2. In that case Node sends GOAWAY and stops reading, but keeps the connection open.
 */
export class ServerConnections {
  readonly #sessions = new Map<ServerHttp2Session, Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #http1: Http1Connections;
  #isClosing = false;

  /** @param server A server that is not listening yet. */
  constructor(server: Http2Server | Http2SecureServer, { clock, pingIntervalMs }: ServerConnectionsOptions) {
    this.#http1 = new Http1Connections(clock, pingIntervalMs);
    this.#watchGoaway(server);
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("session", (session: ServerHttp2Session) => {
      if (this.#isClosing) session.close();
      const destroySocket = () => this.#sessions.get(session)?.destroy();
      const stopPinging = keepAlive(session, clock, pingIntervalMs, destroySocket);
      // A failed connection reports its error on each of its streams.
      session.on("error", () => {});
      session.once("close", () => {
        stopPinging();
        this.#sessions.delete(session);
      });
    });
  }

  /**
   * Adds a request before it is handled. Sets `socket` of an HTTP/2 request to the socket of its connection, because a
   * {@link SessionSocket} has neither address nor certificate.
   */
  addRequest(request: IncomingMessage | Http2ServerRequest, response: Response): void {
    if (!("stream" in request)) {
      this.#http1.hold(request, response);
      return;
    }
    // True because streams of a server have sessions of a server.
    const socket = this.#sessions.get(request.stream.session as ServerHttp2Session);
    if (socket !== undefined) Object.defineProperty(request, "socket", { value: socket });
  }

  /** Closes every connection gracefully: open requests can end, new ones are rejected. */
  close(): void {
    this.#isClosing = true;
    this.#http1.close();
    for (const session of this.#sessions.keys()) session.close();
  }

  /** Destroys every session and connection. */
  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Inserts a {@link SessionSocket} between each connection and its session. */
  #watchGoaway(server: Http2Server | Http2SecureServer): void {
    const event = "setSecureContext" in server ? "secureConnection" : "connection";
    // The listener that Node's constructor has added, which creates the session.
    const listeners = server.listeners(event) as ConnectionListener[];
    server.removeAllListeners(event);
    server.on(event, (socket: Socket | TLSSocket) => {
      const isHttp1 = "alpnProtocol" in socket && socket.alpnProtocol !== "h2";
      let below: Socket | SessionSocket = socket;
      let created: ServerHttp2Session | undefined;
      if (isHttp1) this.#http1.add(socket);
      else {
        const sessionSocket = new SessionSocket(socket, "server", () => {
          // A session that is being destroyed also sends GOAWAY.
          if (created === undefined || created.destroyed) return;
          created.destroy();
          sessionSocket.finish();
        });
        below = sessionSocket;
        server.once("session", (session: ServerHttp2Session) => {
          created = session;
          this.#sessions.set(session, socket);
        });
      }
      for (const listener of listeners) listener.call(server, below);
    });
  }
}

/**
 * Pings a session, and closes its connection if a ping is not answered before the next is due. Returns a function that
 * stops it.
 *
 * A session is destroyed before it emits `close`: it waits for the peer to close the connection. A peer that never does
 * would hold the connection, and a ping would throw.
 */
function keepAlive(
  session: ServerHttp2Session,
  clock: Clock,
  intervalMs: number,
  destroySocket: () => void,
): () => void {
  let answered = true;
  let cancelTimer = clock.setTimer(intervalMs, ping);
  function ping(): void {
    if (session.destroyed || !answered) {
      session.destroy();
      destroySocket();
      return;
    }
    answered = false;
    session.ping((error) => {
      answered = error === null;
    });
    cancelTimer = clock.setTimer(intervalMs, ping);
  }
  return () => cancelTimer();
}
