import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { orAbort, relayAbort, sleep } from "../async/abort.js";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { iterateOrAbort } from "../async/iterate-or-abort.js";
import { Serial } from "../async/serial.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { messageOf } from "../errors/message.js";
import { aBoolean, aNumberFrom, aSignal, checkedElsewhere, either } from "../errors/value-checks.js";
import { FLOW_FILTER_OPTIONS, filterOptionsOf } from "../filter/filter-options.js";
import {
  compileFlowFilters,
  type FlowFilterLists,
  type FlowFilterOptions,
  type FlowPredicate,
} from "../filter/index.js";
import {
  type GetFlowsRequest,
  GetFlowsRequestSchema,
  type GetFlowsResponse,
  Observer,
} from "../gen/observer/observer_pb.js";
import { decodeGetFlowsResponse } from "../message/decode-response.js";
import { anInitOf } from "../message/init-check.js";
import { RpcError } from "../recorder/service/error.js";
import { aTransport } from "./calls.js";
import { StreamReset } from "./client/http2-status.js";
import { fromCallError } from "./connect-error.js";
import { Resumption } from "./resumption.js";
import type { RpcTransport } from "./transport.js";

/** How to reconnect after a lost connection. */
export interface ReconnectOptions {
  /** Delay before the first attempt; doubles with every further one. Default 500. */
  readonly initialDelayMs?: number;
  /** Maximum delay; default 30,000. */
  readonly maxDelayMs?: number;
  /** Maximum number of consecutive calls without a response, including the first one; default 8. */
  readonly maxAttempts?: number;
}

export interface ObserveOptions extends FlowFilterOptions {
  /** Cancels the call; the iteration throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether and how to reconnect after a lost connection; default false. */
  readonly reconnect?: boolean | ReconnectOptions;
  /** Client-side filter of the received flows. Prefer filters in the request, which the server applies. */
  readonly filter?: FlowFilterLists | FlowPredicate;
  readonly clock?: Clock;
}

const RECONNECT_OPTIONS: OptionTable<ReconnectOptions> = {
  initialDelayMs: aNumberFrom(0),
  maxDelayMs: aNumberFrom(0),
  maxAttempts: aNumberFrom(1),
};

const OBSERVE_OPTIONS: OptionTable<ObserveOptions> = {
  ...FLOW_FILTER_OPTIONS,
  signal: aSignal,
  reconnect: either(
    (value) => typeof value === "object",
    optionsOf("reconnect", RECONNECT_OPTIONS),
    aBoolean,
  ),
  // compileFlowFilters checks it.
  filter: checkedElsewhere,
  clock: aClock,
};

/** Counters of a flow stream. `received` is the sum of yielded, `filtered` and `repeated` responses. */
export interface FlowStreamStats {
  /** Received responses: flows and notices. */
  readonly received: number;
  /** Flows rejected by `filter`. */
  readonly filtered: number;
  /** Flows received again after a reconnect, and skipped. */
  readonly repeated: number;
  /** Events that the server reports as lost, in the kernel or in its own ring buffer. */
  readonly lost: number;
  /** Attempts to reconnect, including failed ones. */
  readonly reconnects: number;
}

/** A stream of responses that can be read once. Ending the iteration early cancels the call. */
export interface FlowStream extends AsyncIterable<GetFlowsResponse> {
  /** Iterates over non-empty batches of responses that arrived together: faster for readers of many flows. */
  batches(): AsyncIterableIterator<GetFlowsResponse[]>;
  readonly stats: FlowStreamStats;
}

/**
 * `observer.GetFlowsRequest` as a message or init object; `parseFlowFlags` and `toFlowsRequest` create one from flags.
 */
export type GetFlowsRequestInit = MessageInitShape<typeof GetFlowsRequestSchema>;

const DEFAULT_RECONNECT: Required<ReconnectOptions> = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  maxAttempts: 8,
};

/**
 * Streams flows from a Hubble server or Relay. Flow control stops the server if the reader is slow. The stream also
 * contains notices of lost events and of node status, regardless of the filter.
 *
 * With `reconnect`, a lost connection is reopened and flows are requested from shortly before the latest one; flows
 * that were already seen are skipped by UUID. No flow is missed as long as the server still has it in its buffer, and
 * no flow is repeated as long as at most 16,384 flows lie within two seconds. If the server ends a stream with
 * `follow`, the connection counts as lost.
 *
 * @throws FilterError for an invalid filter, OptionsError, and TypeError for an invalid transport or request, from the
 *   call; RpcError, or the signal's reason, from the iteration.
 */
export function observe(
  transport: Transport,
  request: GetFlowsRequestInit = {},
  options: ObserveOptions = {},
): FlowStream {
  checkArgument("observe", "transport", transport, aTransport);
  checkArgument("observe", "request", request, anInitOf(GetFlowsRequestSchema));
  checkOptions("observe", options, OBSERVE_OPTIONS);
  return new ObserveStream(transport, create(GetFlowsRequestSchema, request), options);
}

class ObserveStream implements FlowStream {
  readonly #transport: Transport;
  readonly #request: GetFlowsRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #reconnect: Required<ReconnectOptions> | undefined;
  readonly #wanted: FlowPredicate | undefined;
  readonly #clock: Clock;
  /** Ends the call and every wait when the reader ends the iteration or the signal is aborted. */
  readonly #controller = new AbortController();
  #begun = false;
  #received = 0;
  #filtered = 0;
  #repeated = 0;
  #lost = 0;
  #reconnects = 0;

  constructor(transport: Transport, request: GetFlowsRequest, options: ObserveOptions) {
    const { signal, reconnect = false, filter, clock = systemClock } = options;
    this.#transport = transport;
    this.#request = request;
    this.#signal = signal;
    if (reconnect !== false) {
      this.#reconnect = { ...DEFAULT_RECONNECT, ...(reconnect === true ? {} : reconnect) };
    }
    if (filter !== undefined) {
      this.#wanted =
        typeof filter === "function" ? filter : compileFlowFilters(filter, filterOptionsOf(options));
    }
    this.#clock = clock;
  }

  get stats(): FlowStreamStats {
    return {
      received: this.#received,
      filtered: this.#filtered,
      repeated: this.#repeated,
      lost: this.#lost,
      reconnects: this.#reconnects,
    };
  }

  batches(): AsyncIterableIterator<GetFlowsResponse[]> {
    if (this.#begun) throw new FlowscribeError("source_consumed", "a stream of flows can be read only once");
    this.#begun = true;
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

  [Symbol.asyncIterator](): AsyncIterator<GetFlowsResponse, undefined> {
    return new ResponseIterator(this.batches());
  }

  async *#follow(): AsyncGenerator<GetFlowsResponse[], void, undefined> {
    const removeRelay = relayAbort(this.#signal, this.#controller);
    try {
      this.#signal?.throwIfAborted();
      if (this.#reconnect === undefined) yield* this.#readOnce();
      else yield* this.#readOn(this.#reconnect);
    } catch (error) {
      if (this.#signal?.aborted === true) throw this.#signal.reason;
      // Not reported if the reader has ended the iteration.
      if (!this.#controller.signal.aborted) throw error;
    } finally {
      removeRelay();
      this.#controller.abort();
    }
  }

  async *#readOnce(): AsyncGenerator<GetFlowsResponse[], void, undefined> {
    for await (const batch of this.#call(this.#request)) {
      const kept = this.#keep(batch, undefined);
      if (kept.length > 0) yield kept;
    }
  }

  async *#readOn(reconnect: Required<ReconnectOptions>): AsyncGenerator<GetFlowsResponse[], void, undefined> {
    const resumption = new Resumption(this.#request, this.#clock.now());
    let request = this.#request;
    for (let attempts = 1; ; attempts++) {
      try {
        for await (const batch of this.#call(request)) {
          attempts = 1;
          const kept = this.#keep(batch, resumption);
          if (kept.length > 0) yield kept;
          if (resumption.isComplete) return;
        }
        if (!request.follow) return;
        throw new RpcError("UNAVAILABLE", "the server has ended a stream that was to follow");
      } catch (error) {
        const isFinal = attempts >= reconnect.maxAttempts || this.#controller.signal.aborted;
        if (isFinal || !isResumable(error)) throw error;
      }
      const delayMs = Math.min(reconnect.initialDelayMs * 2 ** (attempts - 1), reconnect.maxDelayMs);
      await sleep(delayMs, this.#clock, this.#controller.signal);
      this.#controller.signal.throwIfAborted();
      this.#reconnects++;
      request = resumption.resume();
    }
  }

  /** Returns the responses to yield: not yet seen, and accepted by the filter. Updates the counters. */
  #keep(batch: GetFlowsResponse[], resumption: Resumption | undefined): GetFlowsResponse[] {
    const wanted = this.#wanted;
    this.#received += batch.length;
    return batch.filter((response) => {
      if (resumption !== undefined && !resumption.take(response)) {
        this.#repeated++;
        return false;
      }
      const { responseTypes } = response;
      if (responseTypes.case === "lostEvents") this.#lost += Number(responseTypes.value.numEventsLost);
      if (wanted === undefined || responseTypes.case !== "flow" || wanted(responseTypes.value)) return true;
      this.#filtered++;
      return false;
    });
  }

  async *#call(request: GetFlowsRequest): AsyncGenerator<GetFlowsResponse[], void, undefined> {
    const { signal } = this.#controller;
    const method = Observer.method.getFlows;
    const transport = this.#transport;
    if (isRpcTransport(transport)) {
      const message = toBinary(GetFlowsRequestSchema, request);
      for await (const messages of transport.streamBytes(method, message, { signal })) {
        yield* decodeBatch(messages);
      }
      return;
    }
    try {
      const input = oneRequest(request);
      const response = transport.stream(method, signal, undefined, undefined, input);
      const { message: responses } = await orAbort(response, signal);
      for await (const response of iterateOrAbort(responses, signal)) yield [response];
    } catch (error) {
      throw fromCallError(error);
    }
  }
}

/**
 * Decodes a batch. Yields the messages before an invalid one, then throws.
 *
 * @throws RpcError INTERNAL for a message that is not valid protobuf, as in grpc-go.
 */
function* decodeBatch(messages: readonly Uint8Array[]): Generator<GetFlowsResponse[], void, undefined> {
  const batch: GetFlowsResponse[] = [];
  let fault: RpcError | undefined;
  for (const message of messages) {
    try {
      batch.push(decodeGetFlowsResponse(message));
    } catch (cause) {
      fault = new RpcError(
        "INTERNAL",
        `the server sent a response that is not valid protobuf: ${messageOf(cause)}`,
        { cause },
      );
      break;
    }
  }
  if (batch.length > 0) yield batch;
  if (fault !== undefined) throw fault;
}

/**
 * Whether to retry a call: the server was unreachable or reported UNAVAILABLE, or the call ended without a gRPC status,
 * as with proxies that lose their backend.
 */
function isResumable(error: unknown): boolean {
  return error instanceof RpcError && (error.status === "UNAVAILABLE" || error.cause instanceof StreamReset);
}

/** Iterates over single responses. A class, because a generator within a generator takes several turns for each. */
class ResponseIterator implements AsyncIterator<GetFlowsResponse, undefined> {
  readonly #batches: AsyncIterableIterator<GetFlowsResponse[]>;
  readonly #reads = new Serial();
  #batch: GetFlowsResponse[] = [];
  #at = 0;

  constructor(batches: AsyncIterableIterator<GetFlowsResponse[]>) {
    this.#batches = batches;
  }

  async next(): Promise<IteratorResult<GetFlowsResponse, undefined>> {
    if (this.#at < this.#batch.length && this.#reads.isIdle) return this.#take();
    return this.#reads.run(async () => {
      if (this.#at === this.#batch.length) {
        const { done, value } = await this.#batches.next();
        if (done === true) return { done, value: undefined };
        this.#batch = value;
        this.#at = 0;
      }
      return this.#take();
    });
  }

  #take(): IteratorResult<GetFlowsResponse, undefined> {
    return { done: false, value: this.#batch[this.#at++]! };
  }

  async return(): Promise<IteratorResult<GetFlowsResponse, undefined>> {
    this.#batch = [];
    this.#at = 0;
    await this.#batches.return?.();
    return { done: true, value: undefined };
  }
}

function isRpcTransport(transport: Transport): transport is RpcTransport {
  return "streamBytes" in transport;
}

async function* oneRequest<T>(request: T): AsyncGenerator<T, void, undefined> {
  yield request;
}
