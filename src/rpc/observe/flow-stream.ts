import type { Transport } from "@connectrpc/connect";
import { relayAbort, sleep } from "../../async/abort.js";
import type { Clock } from "../../async/clock.js";
import { FlowscribeError } from "../../errors/errors.js";
import type { GetFlowsRequest } from "../../gen/observer/observer_pb.js";
import { RpcError } from "../../recorder/service/error.js";
import { StreamReset } from "../client/http2-status.js";
import type { FlowStream, FlowStreamStats, ReconnectOptions } from "../observe.js";
import { getFlows } from "./get-flows.js";
import { ResponseIterator } from "./response-iterator.js";
import { type FlowTest, type Received, ResponseSelector } from "./response-selector.js";
import { Resumption } from "./resumption.js";

/** The options of a flow stream, checked and compiled. */
export interface FlowStreamOptions {
  readonly signal: AbortSignal | undefined;
  /** Undefined if a lost connection ends the stream. */
  readonly reconnect: Required<ReconnectOptions> | undefined;
  /** Client-side filter. */
  readonly filter: FlowTest | undefined;
  /** Whether to yield encoded responses. */
  readonly yieldsEncoded: boolean;
  readonly clock: Clock;
}

/** The responses of GetFlows calls, one after the other if connections are lost. */
export class GetFlowsStream<T extends Received> implements FlowStream<T> {
  readonly #transport: Transport;
  readonly #request: GetFlowsRequest;
  readonly #options: FlowStreamOptions;
  /** Ends the call and every wait when the reader ends the iteration or the signal is aborted. */
  readonly #controller = new AbortController();
  #isRead = false;
  readonly #selector: ResponseSelector<T>;
  #reconnects = 0;

  constructor(transport: Transport, request: GetFlowsRequest, options: FlowStreamOptions) {
    this.#transport = transport;
    this.#request = request;
    this.#options = options;
    this.#selector = new ResponseSelector(options.filter, options.yieldsEncoded);
  }

  get stats(): FlowStreamStats {
    const { received, filtered, repeated, lost } = this.#selector;
    return {
      received,
      filtered,
      repeated,
      lost,
      reconnects: this.#reconnects,
    };
  }

  batches(): AsyncIterableIterator<T[]> {
    if (this.#isRead) throw new FlowscribeError("source_consumed", "a stream of flows can be read only once");
    this.#isRead = true;
    const batches = this.#follow();
    return {
      next: () => batches.next(),
      return: async () => {
        // Also ends a pending wait, which the generator's own `return` would wait for.
        this.#controller.abort();
        await batches.return();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new ResponseIterator(this.batches());
  }

  async *#follow(): AsyncGenerator<T[], void, undefined> {
    const { signal, reconnect } = this.#options;
    const removeRelay = relayAbort(signal, this.#controller);
    try {
      signal?.throwIfAborted();
      if (reconnect === undefined) yield* this.#readCall();
      else yield* this.#readCalls(reconnect);
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      // Not reported if the reader has ended the iteration.
      if (!this.#controller.signal.aborted) throw error;
    } finally {
      removeRelay();
      this.#controller.abort();
    }
  }

  async *#readCall(): AsyncGenerator<T[], void, undefined> {
    for await (const batch of this.#call(this.#request)) {
      yield* this.#select(batch, undefined);
    }
  }

  async *#readCalls(reconnect: Required<ReconnectOptions>): AsyncGenerator<T[], void, undefined> {
    const resumption = new Resumption(this.#request, this.#options.clock.now());
    let request = this.#request;
    for (let attempts = 1; ; attempts++) {
      try {
        for await (const batch of this.#call(request)) {
          attempts = 1;
          yield* this.#select(batch, resumption);
          if (resumption.isComplete) return;
        }
        if (!request.follow) return;
        throw new RpcError("UNAVAILABLE", "the server has ended a stream that was to follow");
      } catch (error) {
        const isFinal = attempts >= reconnect.maxAttempts || this.#controller.signal.aborted;
        if (isFinal || !isResumable(error)) throw error;
      }
      const delayMs = Math.min(reconnect.initialDelayMs * 2 ** (attempts - 1), reconnect.maxDelayMs);
      await sleep(delayMs, this.#options.clock, this.#controller.signal);
      this.#controller.signal.throwIfAborted();
      this.#reconnects++;
      request = resumption.resume();
    }
  }

  *#select(batch: readonly Received[], resumption: Resumption | undefined): Generator<T[], void, undefined> {
    const { selected, fault } = this.#selector.select(batch, resumption);
    if (selected.length > 0) yield selected;
    if (fault !== undefined) throw fault.error;
  }

  #call(request: GetFlowsRequest): AsyncGenerator<readonly Received[], void, undefined> {
    return getFlows(this.#transport, request, this.#controller.signal);
  }
}

/**
 * Whether to retry a call: the server was unreachable or reported UNAVAILABLE, or the call ended without a gRPC status,
 * as with proxies that lose their backend.
 */
function isResumable(error: unknown): boolean {
  return error instanceof RpcError && (error.status === "UNAVAILABLE" || error.cause instanceof StreamReset);
}
