import type { Clock } from "../../async/clock.js";

/** When to ping a connection that receives no data. */
export interface KeepaliveTimes {
  /** Time without received data before the first ping; 0 disables pings. */
  readonly intervalMs: number;
  /** Time between further pings while no data arrives. */
  readonly repeatMs: number;
  /** Time limit for the response to a ping. */
  readonly timeoutMs: number;
}

/**
 * Hubble's servers use grpc-go with its default policy (`grpc.NewServer` without `KeepaliveEnforcementPolicy` in
 * cilium's pkg/hubble/server and pkg/hubble/relay/server). A ping violates that policy if it arrives less than five
 * minutes after the previous one and the server has not sent headers or data in between; the server answers the third
 * violation with GOAWAY `too_many_pings` (`handlePing` in grpc-go's internal/transport/http2_server.go). The first ping
 * after the last received data may therefore be early, and only further ones have to wait. The timeout is grpc-go's.
 */
export const DEFAULT_KEEPALIVE: KeepaliveTimes = {
  intervalMs: 30_000,
  repeatMs: 310_000,
  timeoutMs: 20_000,
};

/** The part of a connection that keepalive needs. */
export interface PingableConnection {
  /** Returns the number of bytes received so far. */
  receivedBytes(): number;
  /** Sends a ping and calls back when it is answered; returns false if pings can no longer be sent. */
  ping(onAnswer: () => void): boolean;
}

/** Pings a connection that receives no data during calls, and reports a connection that does not answer. */
export class Keepalive {
  readonly #connection: PingableConnection;
  readonly #times: KeepaliveTimes;
  readonly #clock: Clock;
  readonly #onDead: () => void;
  #cancelTimer: (() => void) | undefined;
  /** Value of `receivedBytes` at the last check. */
  #seenBytes = 0;
  /** Time of the last ping since data was received; undefined if there was no ping. */
  #pingedMs: number | undefined;

  constructor(
    connection: PingableConnection,
    { times, clock, onDead }: { times: KeepaliveTimes; clock: Clock; onDead: () => void },
  ) {
    this.#connection = connection;
    this.#times = times;
    this.#clock = clock;
    this.#onDead = onDead;
  }

  /** Starts monitoring; no effect if it is already running. */
  start(): void {
    if (this.#cancelTimer !== undefined || this.#times.intervalMs === 0) return;
    this.#seenBytes = this.#connection.receivedBytes();
    this.#pingedMs = undefined;
    this.#wait();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #wait(): void {
    this.#cancelTimer = this.#clock.setTimer(this.#times.intervalMs, () => this.#check());
  }

  #check(): void {
    if (this.#hasReceived()) {
      this.#pingedMs = undefined;
      this.#wait();
    } else if (this.#pingedMs !== undefined && this.#clock.now() - this.#pingedMs < this.#times.repeatMs) {
      this.#wait();
    } else {
      this.#ping();
    }
  }

  #ping(): void {
    this.#pingedMs = this.#clock.now();
    let isWaiting = true;
    const isSent = this.#connection.ping(() => {
      if (!isWaiting || this.#cancelTimer === undefined) return;
      isWaiting = false;
      // Bytes of the answer do not count as data.
      this.#seenBytes = this.#connection.receivedBytes();
      this.stop();
      this.#wait();
    });
    // If no ping can be sent, wait longer for data before the connection counts as lost.
    const limitMs = isSent ? this.#times.timeoutMs : this.#times.repeatMs;
    this.#cancelTimer = this.#clock.setTimer(limitMs, () => {
      isWaiting = false;
      if (this.#hasReceived()) {
        this.#wait();
      } else {
        this.#cancelTimer = undefined;
        this.#onDead();
      }
    });
  }

  /** Whether data has arrived since the last check. */
  #hasReceived(): boolean {
    const receivedBytes = this.#connection.receivedBytes();
    const hasReceived = receivedBytes !== this.#seenBytes;
    this.#seenBytes = receivedBytes;
    return hasReceived;
  }
}
