import type { Clock } from "../../async/clock.js";

/** When a silent connection is pinged. */
export interface KeepaliveTimes {
  /** Silence before the first ping; 0 never pings. */
  readonly intervalMs: number;
  /** Between two pings of one silence. */
  readonly repeatMs: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

/**
 * Hubble's servers are built on grpc-go with its default policy (`grpc.NewServer` without `KeepaliveEnforcementPolicy` in
 * cilium's pkg/hubble/server and pkg/hubble/relay/server). That policy answers the third ping too many with GOAWAY
 * `too_many_pings`, where a ping is too many that comes less than five minutes after the one before it, unless the server
 * has sent headers or data in between (`handlePing` in grpc-go's internal/transport/http2_server.go). So the first ping of a
 * silence may come early, and only the further ones have to wait. The timeout is grpc-go's.
 */
export const DEFAULT_KEEPALIVE: KeepaliveTimes = {
  intervalMs: 30_000,
  repeatMs: 310_000,
  timeoutMs: 20_000,
};

/** What keepalive needs of a connection. */
export interface PingableConnection {
  /** Bytes received so far. */
  receivedBytes(): number;
  /** Sends a ping, and calls back when it is answered; false when no ping can be sent any more. */
  ping(onAnswer: () => void): boolean;
}

/** Pings a connection that is silent, while calls are under way, and reports one that does not answer. */
export class Keepalive {
  readonly #connection: PingableConnection;
  readonly #times: KeepaliveTimes;
  readonly #clock: Clock;
  readonly #onDead: () => void;
  #cancelTimer: (() => void) | undefined;
  /** Bytes received when last looked at. */
  #seenBytes = 0;
  /** When the last ping of the present silence was sent. */
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

  /** Begins to watch; harmless when it does already. */
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
    if (this.#hasHeard()) {
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
      // The answer is no sign of data: the silence continues.
      this.#seenBytes = this.#connection.receivedBytes();
      this.stop();
      this.#wait();
    });
    // Without pings only silence is a sign: it has to be a longer one.
    const patienceMs = isSent ? this.#times.timeoutMs : this.#times.repeatMs;
    this.#cancelTimer = this.#clock.setTimer(patienceMs, () => {
      isWaiting = false;
      if (this.#hasHeard()) {
        this.#wait();
      } else {
        this.#cancelTimer = undefined;
        this.#onDead();
      }
    });
  }

  /** Whether something has come since this was last asked. */
  #hasHeard(): boolean {
    const receivedBytes = this.#connection.receivedBytes();
    const hasHeard = receivedBytes !== this.#seenBytes;
    this.#seenBytes = receivedBytes;
    return hasHeard;
  }
}
