import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../../async/clock.js";
import { nextState } from "../../async/state-machine.js";
import { cutText } from "../../errors/cut-text.js";
import { RpcError } from "../../recorder/service/error.js";
import { SessionSocket } from "../server/session-socket.js";
import { ClientCall } from "./client-call.js";
import { connectionError } from "./connection-error.js";
import type { Endpoint } from "./dial.js";
import { Keepalive, type KeepaliveTimes } from "./keepalive.js";
import { SESSION_TRANSITIONS, type SessionEvent, type SessionState } from "./session-state.js";

/** Flow-control window per call in bytes; large because flows arrive in bursts. */
const WINDOW_BYTES = 1024 * 1024;

/** Maximum length of the debug data kept from a GOAWAY, in UTF-16 code units. */
const MAX_GOAWAY_TEXT = 200;

/** https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md */
const TOO_MANY_PINGS = "too_many_pings";

export interface ClientSessionOptions {
  readonly endpoint: Endpoint;
  /** `http://host:port` or `https://host:port`. */
  readonly baseUrl: string;
  readonly keepalive: KeepaliveTimes;
  readonly clock: Clock;
  /** Called after each change of `state`. */
  readonly onChange: () => void;
}

/**
 * One HTTP/2 connection and its calls. When it ends for any reason, every open call fails at once with `failure`. It
 * emits and throws no other errors.
 */
export class ClientSession {
  readonly #options: ClientSessionOptions;
  readonly #socket: SessionSocket;
  readonly #session: ClientHttp2Session;
  readonly #keepalive: Keepalive;
  readonly #calls = new Set<ClientCall>();
  #state: SessionState = { name: "opening" };
  /** The last GOAWAY of the server. */
  #goaway: { readonly http2Code: number; readonly text: string } | undefined;
  #lastUsedMs: number;

  /** @param socket A connected socket; the session takes ownership. */
  constructor(socket: Socket, options: ClientSessionOptions) {
    const { baseUrl, keepalive, clock } = options;
    this.#options = options;
    this.#lastUsedMs = clock.now();
    this.#socket = new SessionSocket(socket, "client", () => {
      // A session that is being destroyed also sends GOAWAY.
      if (!this.#session.destroyed) this.end();
    });
    this.#session = connect(baseUrl, {
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
      createConnection: () => this.#socket,
    });
    this.#keepalive = new Keepalive(
      { receivedBytes: () => this.#socket.receivedBytes, ping: (onAnswer) => this.#ping(onAnswer) },
      { times: keepalive, clock, onDead: () => this.end(silentError(keepalive)) },
    );
    this.#listen();
  }

  get state(): SessionState["name"] {
    return this.#state.name;
  }

  /** Why the connection has ended, or accepts no more calls. */
  get failure(): RpcError {
    if (this.#state.name === "ended") return this.#state.failure;
    return connectionError({
      tls: this.#options.endpoint.tls,
      isConnected: true,
      error: this.#socket.failure,
      isHttp2: this.#state.name !== "opening",
      firstBytes: this.#socket.firstBytes,
      isClosedByServer: this.#socket.hasEnded,
      goaway: this.#goaway,
    });
  }

  /** Whether the connection is lost, which is then the reason that its streams close. */
  get isLost(): boolean {
    return this.#state.name === "ended" || this.#session.destroyed;
  }

  get wasPingedTooOften(): boolean {
    return this.#goaway?.text === TOO_MANY_PINGS;
  }

  /** Milliseconds since the last call ended; 0 during calls. */
  get idleMs(): number {
    return this.#calls.size > 0 ? 0 : this.#options.clock.now() - this.#lastUsedMs;
  }

  /** Starts a call. @throws RpcError if the session is not open. */
  call(headers: OutgoingHttpHeaders, signal: AbortSignal): ClientCall {
    if (this.#state.name !== "open" || this.isLost) throw this.failure;
    const call = new ClientCall(this.#session.request(headers), this, signal);
    this.#calls.add(call);
    this.#socket.setActive(true);
    this.#keepalive.start();
    call.ended.then(() => this.#release(call));
    return call;
  }

  /** Closes the connection; open calls fail with `reason`, by default with {@link failure}. */
  end(reason?: RpcError): void {
    if (this.#state.name === "ended") return;
    const failure = reason ?? this.failure;
    this.#state = nextState(SESSION_TRANSITIONS, this.#state, { name: "end", failure });
    this.#keepalive.stop();
    for (const call of this.#calls) call.fail(failure);
    this.#session.destroy();
    this.#socket.finish();
    this.#options.onChange();
  }

  #listen(): void {
    const session = this.#session;
    session.once("remoteSettings", () => {
      this.#socket.setActive(this.#calls.size > 0);
      this.#apply({ name: "settings" });
    });
    session.on("goaway", (http2Code, _lastStreamId, data?: Buffer) => {
      this.#goaway = { http2Code, text: cutText(data?.toString() ?? "", MAX_GOAWAY_TEXT) };
      this.#apply({ name: "goaway" });
      this.#endIfDrained();
    });
    // "close" follows; `failure` describes the cause.
    session.on("error", () => {});
    session.socket.on("error", () => {});
    session.on("close", () => this.end());
    // Do not wait for a peer that keeps its side open.
    this.#socket.on("close", () => this.end());
  }

  #ping(onAnswer: () => void): boolean {
    // Node does not send pings after a GOAWAY.
    if (this.#session.closed || this.#session.destroyed) return false;
    return this.#session.ping((error) => {
      if (error === null) onAnswer();
    });
  }

  #release(call: ClientCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    this.#lastUsedMs = this.#options.clock.now();
    this.#keepalive.stop();
    // An idle connection does not keep the process running.
    this.#socket.setActive(false);
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    if (this.#state.name === "draining" && this.#calls.size === 0) this.end();
  }

  #apply(event: SessionEvent): void {
    const before = this.#state;
    this.#state = nextState(SESSION_TRANSITIONS, before, event);
    if (this.#state !== before) this.#options.onChange();
  }
}

function silentError({ timeoutMs }: KeepaliveTimes): RpcError {
  return new RpcError(
    "UNAVAILABLE",
    `the connection was lost: the server did not answer a ping within ${timeoutMs / 1000} s`,
  );
}
