import { onAbort, sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import type { NatsConnectionLike } from "./connection.js";
import { type Answer, type RefusedItem, RequestRun } from "./request-run.js";

/** A message of the client, as an answer. */
export interface NatsAnswer {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number } | undefined;
}

/** The status of an answer of the server itself: nobody receives messages of this subject. */
const NO_RESPONDERS = 503;

/** Whether the server has answered that nobody receives messages of the subject. */
export function hasNoResponders({ headers }: NatsAnswer): boolean {
  return headers?.code === NO_RESPONDERS;
}

export interface RequestsOptions {
  /** The prefix of the subjects of answers. Each request has its own, so that an answer can be assigned to its request. */
  readonly inbox: string;
  readonly maxPending: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** How items are sent, and their answers understood. */
export interface RequestKind<Item> {
  /** Publishes the request, with the subject for the answer. Returns a reason if it never can be. */
  readonly send: (item: Item, reply: string) => string | undefined;
  readonly read: (answer: NatsAnswer, item: Item) => Answer;
}

/**
 * Sends many requests at the same time, one list after the other. One subscription receives all answers, so that a request
 * costs no timer and no promise.
 */
export class PipelinedRequests {
  readonly #connection: NatsConnectionLike;
  readonly #options: RequestsOptions;
  readonly #subscription: { unsubscribe(): void };
  readonly #statuses: AsyncIterable<{ readonly type: string }> & { stop?(): void };
  /** The pending run: passes it an answer, or ends it. */
  #current: { answer(number: number, answer: NatsAnswer): void; fail(error: Error): void } | undefined;
  #nextNumber = 0;
  /** Aborted at the next connection; undefined while connected. */
  #reconnected: AbortController | undefined;

  constructor(connection: NatsConnectionLike, options: RequestsOptions) {
    this.#connection = connection;
    this.#options = options;
    const { inbox } = options;
    this.#subscription = connection.subscribe(`${inbox}.*`, {
      callback: (error: Error | null, answer: NatsAnswer) => {
        if (error !== null) this.#current?.fail(error);
        else this.#current?.answer(Number(answer.subject.slice(inbox.length + 1)), answer);
      },
    });
    this.#statuses = connection.status();
    this.#watch();
  }

  /**
   * Sends a request for each item and waits for the answers. Waits for the connection first if it is lost, up to the time
   * limit. Calls must not overlap.
   *
   * @throws the reason of the signal; Error for the first failure: what was sent after it may have succeeded.
   */
  async run<Item>(
    items: readonly Item[],
    { send, read }: RequestKind<Item>,
    signal: AbortSignal,
  ): Promise<readonly RefusedItem<Item>[]> {
    await this.#connected(signal);
    const { inbox, maxPending, timeoutMs, clock } = this.#options;
    // Answers to requests of earlier runs have smaller numbers.
    const first = this.#nextNumber;
    this.#nextNumber += items.length;
    const run = new RequestRun(items, {
      ...{ maxPending, timeoutMs, clock },
      send: (item, index) => send(item, `${inbox}.${first + index}`),
    });
    const current = {
      answer: (number: number, answer: NatsAnswer) => {
        const item = items[number - first];
        if (item === undefined) return;
        try {
          run.answer(number - first, read(answer, item));
        } catch (error) {
          // It would end up in the client.
          run.fail(error);
        }
      },
      fail: (error: Error) => run.fail(error),
    };
    this.#current = current;
    const remove = onAbort(signal, () => run.fail(signal.reason));
    try {
      return await run.finished;
    } finally {
      remove();
      if (this.#current === current) this.#current = undefined;
    }
  }

  close(): void {
    this.#statuses.stop?.();
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe();
  }

  /** Follows the state of the connection. Requests that are sent while it is lost would be dropped by the client. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (type === "disconnect" || type === "close") {
        this.#reconnected ??= new AbortController();
        this.#current?.fail(new Error("the connection to the server was lost"));
      } else if (type === "reconnect") {
        this.#reconnected?.abort();
        this.#reconnected = undefined;
      }
    }
  }

  async #connected(signal: AbortSignal): Promise<void> {
    const { timeoutMs, clock } = this.#options;
    if (this.#reconnected !== undefined && !this.#connection.isClosed())
      await sleep(timeoutMs, clock, AbortSignal.any([this.#reconnected.signal, signal]));
    signal.throwIfAborted();
    if (this.#connection.isClosed()) {
      const cause = await this.#connection.closed();
      throw new Error("the connection is closed", cause instanceof Error ? { cause } : undefined);
    }
    if (this.#reconnected !== undefined) throw new Error(`not connected to the server for ${timeoutMs} ms`);
  }
}
