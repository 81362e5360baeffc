import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../async/clock.js";

/** A response of any version of HTTP. */
export interface Response {
  once(event: "close", listener: () => void): unknown;
}

/** An open connection, and the timer that closes it while it has no request. */
interface Connection {
  requests: number;
  cancelTimer: () => void;
}

/**
 * The HTTP/1.1 connections of a server. HTTP/1.1 has no pings, so a connection without a request is closed after
 * `idleMs`, and TCP keepalive detects peers that are gone during a request.
 */
export class Http1Connections {
  readonly #connections = new Map<Socket, Connection>();
  readonly #clock: Clock;
  readonly #idleMs: number;
  #isClosing = false;

  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock;
    this.#idleMs = idleMs;
  }

  add(socket: Socket): void {
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    const connection: Connection = { requests: 0, cancelTimer: () => {} };
    this.#connections.set(socket, connection);
    socket.setKeepAlive(true, this.#idleMs);
    socket.once("close", () => {
      connection.cancelTimer();
      this.#connections.delete(socket);
    });
    this.#closeWhenIdle(socket, connection);
  }

  /** Keeps the connection of a request open until its response has been sent. */
  hold({ socket }: IncomingMessage, response: Response): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    connection.requests++;
    connection.cancelTimer();
    response.once("close", () => {
      connection.requests--;
      if (connection.requests === 0 && !socket.destroyed) this.#closeWhenIdle(socket, connection);
    });
  }

  /** Closes every connection without a request now, and the others after their responses. */
  close(): void {
    this.#isClosing = true;
    for (const [socket, { requests }] of this.#connections) if (requests === 0) socket.destroy();
  }

  #closeWhenIdle(socket: Socket, connection: Connection): void {
    // `end` sends what is left of the response first.
    if (this.#isClosing) socket.end(() => socket.destroy());
    else connection.cancelTimer = this.#clock.setTimer(this.#idleMs, () => socket.destroy());
  }
}
