import { sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import { Wakeup } from "../async/wakeup.js";
import type { NatsConnectionLike } from "./connection.js";
import { isGone, type MessageRequest, type StreamConsumer, type StreamMessage } from "./consumer.js";

/** Milliseconds after which the server ends a request for messages. */
const EXPIRES_MS = 30_000;

/** Milliseconds between signs of life while the server has no messages. Two missing ones end the request. */
const HEARTBEAT_MS = 5000;

/** Milliseconds before another attempt after an error that may pass. */
const RETRY_MS = 500;

export interface PullOptions {
  /** Messages of one request. */
  readonly maxBatch: number;
  readonly clock: Pick<Clock, "setTimer">;
}

/**
 * Requests messages of a consumer, one request after the other, and queues them. At most twice `maxBatch` are queued. After
 * a lost connection it requests again.
 */
export class MessagePull {
  /** Messages in the order of their delivery. The caller removes them, and calls `next` for more. */
  readonly queue: StreamMessage[] = [];

  readonly #connection: NatsConnectionLike;
  readonly #consumer: StreamConsumer;
  readonly #options: PullOptions;
  readonly #onMessage: (message: StreamMessage) => void;
  readonly #statuses: AsyncIterable<{ readonly type: string }> & { stop?(): void };
  readonly #changed = new Wakeup();
  readonly #ended = new AbortController();
  #request: MessageRequest | undefined;
  #state: "idle" | "requesting" | "ended" = "idle";
  #isConnected = true;
  #failure: { readonly error: unknown } | undefined;

  /** @param onMessage Called at once for each message. */
  constructor(
    connection: NatsConnectionLike,
    consumer: StreamConsumer,
    options: PullOptions,
    onMessage: (message: StreamMessage) => void,
  ) {
    this.#connection = connection;
    this.#consumer = consumer;
    this.#options = options;
    this.#onMessage = onMessage;
    this.#statuses = connection.status();
    this.#watch();
  }

  /** The error that has ended the pull. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Resolves when a message is queued, or the pull has ended. Requests more if fewer than `maxBatch` are queued. */
  async next(): Promise<void> {
    for (;;) {
      if (this.#state === "idle" && this.#isConnected && this.queue.length < this.#options.maxBatch)
        this.#start();
      if (this.queue.length > 0 || this.#state === "ended") return;
      await this.#changed.wait();
    }
  }

  /** Ends the pull. Messages that are delivered from now on are lost for this reader; the server delivers them again. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#failure = failure;
    this.#ended.abort();
    this.#statuses.stop?.();
    this.#cancel();
    this.#changed.wake();
  }

  /** Fetches up to `maxBatch` messages. They are queued as they arrive. */
  async #start(): Promise<void> {
    this.#state = "requesting";
    try {
      const request = await this.#consumer.fetch({
        max_messages: this.#options.maxBatch,
        expires: EXPIRES_MS,
        idle_heartbeat: HEARTBEAT_MS,
        callback: (message) => this.#receive(message),
      });
      this.#request = request;
      if (this.#isEnded()) this.#cancel();
      const error = await request.closed();
      if (error instanceof Error) throw error;
    } catch (error) {
      await this.#afterFailure(error);
    } finally {
      this.#request = undefined;
      if (!this.#isEnded()) this.#state = "idle";
      this.#changed.wake();
    }
  }

  /** A method, because the state changes while the caller waits. */
  #isEnded(): boolean {
    return this.#state === "ended";
  }

  #receive(message: StreamMessage): void {
    if (this.#isEnded()) return;
    this.#onMessage(message);
    this.queue.push(message);
    this.#changed.wake();
  }

  /** Waits before another attempt, and ends the pull if it would be useless. */
  async #afterFailure(error: unknown): Promise<void> {
    if (this.#isEnded()) return;
    if (isGone(error)) {
      this.end({ error });
      return;
    }
    await sleep(RETRY_MS, this.#options.clock, this.#ended.signal);
    if (this.#isEnded() || !this.#isConnected) return;
    try {
      await this.#consumer.info();
    } catch (infoError) {
      if (isGone(infoError)) this.end({ error: infoError });
    }
  }

  #cancel(): void {
    this.#request?.close().then(undefined, () => {});
  }

  /** Follows the state of the connection: requests of a lost one are not answered. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (type === "disconnect") {
        this.#isConnected = false;
        this.#cancel();
      } else if (type === "reconnect") {
        this.#isConnected = true;
        this.#changed.wake();
      }
    }
    if (this.#isEnded()) return;
    const error = (await this.#connection.closed()) ?? new Error("the connection was closed");
    this.end({ error });
  }
}
