import type { IncomingMessage } from "node:http";
import type { Http2SecureServer, Http2Server, Http2ServerRequest, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../async/clock.js";
import { SessionSocket } from "./session-socket.js";

/** How connections are kept. */
export interface ServerConnectionsOptions {
  readonly clock: Clock;
  /** Between two pings of a connection; without an answer by the next one it is closed. */
  readonly pingIntervalMs: number;
}

type ConnectionListener = (this: Http2Server | Http2SecureServer, socket: object) => void;

/**
 * The connections of an HTTP/2 server: pinged, closed with the server, and closed when their peer breaks HTTP/2. Node
 * sends GOAWAY then, and reads no further, but keeps the connection open.
 */
export class ServerConnections {
  readonly #sessions = new Map<ServerHttp2Session, Socket>();
  readonly #sockets = new Set<Socket>();
  #finishing = false;

  /** @param server Not yet listening. */
  constructor(server: Http2Server | Http2SecureServer, { clock, pingIntervalMs }: ServerConnectionsOptions) {
    this.#watchGoaway(server);
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("session", (session: ServerHttp2Session) => {
      if (this.#finishing) session.close();
      const stopPinging = keepAlive(session, clock, pingIntervalMs);
      // A connection that breaks reports it in each of its streams.
      session.on("error", () => {});
      session.once("close", () => {
        stopPinging();
        this.#sessions.delete(session);
      });
    });
  }

  /** Makes `socket` of a request the one of its connection: a session over a {@link SessionSocket} has neither address nor certificate. */
  exposeSocket(request: IncomingMessage | Http2ServerRequest): void {
    if (!("stream" in request)) return;
    // Streams of a server have sessions of a server.
    const socket = this.#sessions.get(request.stream.session as ServerHttp2Session);
    if (socket !== undefined) Object.defineProperty(request, "socket", { value: socket });
  }

  /** Lets every session end its streams; it accepts no new ones. */
  finish(): void {
    this.#finishing = true;
    for (const session of this.#sessions.keys()) session.close();
  }

  cut(): void {
    for (const session of this.#sessions.keys()) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Puts a {@link SessionSocket} below each session that Node creates. */
  #watchGoaway(server: Http2Server | Http2SecureServer): void {
    const event = "setSecureContext" in server ? "secureConnection" : "connection";
    // The listener that Node's constructor has added: it creates the session.
    const listeners = server.listeners(event) as ConnectionListener[];
    server.removeAllListeners(event);
    server.on(event, (socket: Socket | TLSSocket) => {
      const isHttp1 = "alpnProtocol" in socket && socket.alpnProtocol !== "h2";
      let below: Socket | SessionSocket = socket;
      let created: ServerHttp2Session | undefined;
      if (!isHttp1) {
        const sessionSocket = new SessionSocket(socket, "server", () => {
          // A session that is being destroyed sends GOAWAY, too.
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

/** Pings a session; destroys it when one ping has not been answered when the next is due. */
function keepAlive(session: ServerHttp2Session, clock: Clock, intervalMs: number): () => void {
  let answered = true;
  let callOff = clock.setTimer(intervalMs, ping);
  function ping(): void {
    if (!answered) {
      session.destroy();
      return;
    }
    answered = false;
    session.ping((error) => {
      answered = error === null;
    });
    callOff = clock.setTimer(intervalMs, ping);
  }
  return () => callOff();
}
