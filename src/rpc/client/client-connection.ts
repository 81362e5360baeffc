import type { OutgoingHttpHeaders } from "node:http2";
import { onAbort, orAbort } from "../../async/abort.js";
import { RpcError } from "../../recorder/service/error.js";
import type { ClientCall } from "./client-call.js";
import { ClientSession, type ClientSessionOptions } from "./client-session.js";
import { connectionError } from "./connection-error.js";
import { dial } from "./dial.js";
import type { KeepaliveTimes } from "./keepalive.js";

/**
 * Time limit for a connection attempt, including TLS and the server's SETTINGS:
 * https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
 */
const CONNECT_TIMEOUT_MS = 20_000;

/** Idle time after which a connection is replaced: a middlebox may have dropped it without notification. */
const MAX_IDLE_MS = 5 * 60_000;

/** {@link ClientSessionOptions} without those that this module sets. */
export type ClientConnectionOptions = Omit<ClientSessionOptions, "onChange">;

/**
 * The connection of a transport. It is opened for the first call, reopened for a call after it was lost, and replaced
 * when the server announces its end.
 */
export class ClientConnection {
  readonly #options: ClientConnectionOptions;
  #keepalive: KeepaliveTimes;
  /** The session for new calls, or the attempt to open it. */
  #current: ClientSession | undefined;
  #attempt: Promise<ClientSession> | undefined;
  /** All sessions that have not ended, including draining ones. */
  readonly #sessions = new Set<ClientSession>();
  /** Aborts pending attempts. */
  #closing = new AbortController();

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.#keepalive = options.keepalive;
  }

  /**
   * Starts a call.
   *
   * @throws RpcError UNAVAILABLE if no connection can be opened; the signal's reason.
   */
  async call(path: string, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<ClientCall> {
    signal.throwIfAborted();
    const session = await orAbort(this.#open(), signal);
    return session.call({ ...headers, ":method": "POST", ":path": path }, signal);
  }

  /** Closes the connection; open calls fail with CANCELLED. A later call opens a new connection. */
  close(): void {
    const reason = new RpcError("CANCELLED", "the transport was closed");
    this.#closing.abort(reason);
    this.#closing = new AbortController();
    this.#attempt = undefined;
    for (const session of this.#sessions) session.end(reason);
  }

  #open(): Promise<ClientSession> {
    const session = this.#current;
    if (session?.state === "open" && !session.isLost) {
      if (session.idleMs <= MAX_IDLE_MS) return Promise.resolve(session);
      session.end();
    }
    if (this.#attempt === undefined) {
      const attempt = this.#connect(this.#closing.signal).finally(() => {
        if (this.#attempt === attempt) this.#attempt = undefined;
      });
      this.#attempt = attempt;
    }
    return this.#attempt;
  }

  async #connect(closing: AbortSignal): Promise<ClientSession> {
    const { clock, endpoint } = this.#options;
    const timeout = new AbortController();
    const cancelTimer = clock.setTimer(CONNECT_TIMEOUT_MS, () => timeout.abort(timeoutError()));
    const signal = AbortSignal.any([closing, timeout.signal]);
    try {
      const socket = await dial(endpoint, signal);
      const session = await this.#openSession(socket, signal);
      this.#current = session;
      return session;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RpcError) throw error;
      throw connectionError({
        tls: endpoint.tls,
        isConnected: false,
        // True because `dial` rejects with Errors only, except for the signal's reason.
        error: error as Error,
        isHttp2: false,
        firstBytes: new Uint8Array(0),
        isClosedByServer: true,
        goaway: undefined,
      });
    } finally {
      cancelTimer();
    }
  }

  /** Resolves when the server's SETTINGS have arrived. */
  #openSession(socket: Awaited<ReturnType<typeof dial>>, signal: AbortSignal): Promise<ClientSession> {
    return new Promise((resolve, reject) => {
      let removeListener = () => {};
      const onChange = () => {
        if (session.state !== "opening") removeListener();
        if (session.state === "ended") {
          this.#forget(session);
          reject(session.failure);
        } else {
          resolve(session);
        }
      };
      const session = new ClientSession(socket, { ...this.#options, keepalive: this.#keepalive, onChange });
      this.#sessions.add(session);
      removeListener = onAbort(signal, () => session.end(signal.reason));
    });
  }

  #forget(session: ClientSession): void {
    this.#sessions.delete(session);
    if (this.#current === session) this.#current = undefined;
    if (session.wasPingedTooOften) this.#keepalive = slower(this.#keepalive);
  }
}

/**
 * Doubles the intervals after `too_many_pings`:
 * https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md
 */
function slower({ intervalMs, repeatMs, timeoutMs }: KeepaliveTimes): KeepaliveTimes {
  return { intervalMs: 2 * intervalMs, repeatMs: 2 * repeatMs, timeoutMs };
}

function timeoutError(): RpcError {
  return new RpcError(
    "UNAVAILABLE",
    `the server did not answer within ${CONNECT_TIMEOUT_MS / 1000} s: it may not be a gRPC server`,
  );
}
