import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { orAbort, relayAbort, sleep } from "../async/abort.js";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { iterateOrAbort } from "../async/iterate-or-abort.js";
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

/** When to connect again after a connection was lost. */
export interface ReconnectOptions {
  /** The first wait; each further one is twice as long. */
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Tries in a row without a response before giving up. */
  readonly maxAttempts?: number;
}

export interface ObserveOptions extends FlowFilterOptions {
  /** "Give up": the iteration throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether to go on after a lost connection; not by default. */
  readonly reconnect?: boolean | ReconnectOptions;
  /** Which of the flows that come to hand out; what the server can filter is better put into the request. */
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
  // Checked when it is compiled.
  filter: checkedElsewhere,
  clock: aClock,
};

/** Received = handed out + filtered + repeated. */
export interface FlowStreamStats {
  /** Responses that came. */
  readonly received: number;
  /** Flows that `filter` kept out. */
  readonly filtered: number;
  /** Flows that came again after a lost connection, and were left out. */
  readonly repeated: number;
  /** Events that the server says were lost, in the kernel or in its own ring buffer. */
  readonly lost: number;
  /** Connections lost and made again. */
  readonly reconnects: number;
}

/** A stream of responses; can be read once. Leaving it cancels the call. */
export interface FlowStream extends AsyncIterable<GetFlowsResponse> {
  /** The same pass in lists of responses that came together, none empty: fewer turns for whoever reads many. */
  batches(): AsyncIterableIterator<GetFlowsResponse[]>;
  readonly stats: FlowStreamStats;
}

/** `observer.GetFlowsRequest`, as a message or as an init object; `parseFlowFlags` and `toFlowsRequest` make one of flags. */
export type GetFlowsRequestInit = MessageInitShape<typeof GetFlowsRequestSchema>;

const DEFAULT_RECONNECT: Required<ReconnectOptions> = {
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  maxAttempts: 8,
};

/**
 * Flows of a Hubble server or Relay, as they come; the server sends on only as far as they are read. Notices of lost events and
 * of nodes come between them, whatever the filter.
 *
 * With `reconnect` a lost connection is made again, and the flows asked for from a little before the latest one; those
 * that were seen are left out by their UUID. There is no gap as long as the server still holds what was missed, and no
 * repeat as long as no more than 16,384 flows lie within two seconds. A server that ends a stream that follows counts
 * as lost.
 *
 * @throws FilterError at once for a filter that does not compile; OptionsError, and TypeError for another transport or request, at
 *   once; from the iteration RpcError, or the signal's reason.
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
  /** Ends the call, and every wait, when the reader leaves or the signal is aborted. */
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
        // Ends the wait at hand, too, which a generator's own return would wait for.
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
      // The reader has left, and is not told.
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

  /** What is to be handed out of some responses. */
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
 * One batch, or those before a message that does not decode.
 *
 * @throws RpcError INTERNAL, as grpc-go for a message that is not valid protobuf.
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
 * Whether a call is worth making again: the server was not reached, says that it is not available for now, or ended the
 * call without a status of its own, as proxies do that lose the server behind them.
 */
function isResumable(error: unknown): boolean {
  return error instanceof RpcError && (error.status === "UNAVAILABLE" || error.cause instanceof StreamReset);
}

/** Responses one by one. Written out, as a generator within a generator takes several turns for each. */
class ResponseIterator implements AsyncIterator<GetFlowsResponse, undefined> {
  readonly #batches: AsyncIterableIterator<GetFlowsResponse[]>;
  #batch: GetFlowsResponse[] = [];
  #at = 0;
  #pending: Promise<unknown> | undefined;

  constructor(batches: AsyncIterableIterator<GetFlowsResponse[]>) {
    this.#batches = batches;
  }

  async next(): Promise<IteratorResult<GetFlowsResponse, undefined>> {
    while (this.#pending !== undefined) await this.#pending;
    if (this.#at === this.#batch.length) {
      const pending = this.#batches.next();
      this.#pending = pending.catch(() => {});
      try {
        const { done, value } = await pending;
        if (done === true) return { done, value: undefined };
        this.#batch = value;
        this.#at = 0;
      } finally {
        this.#pending = undefined;
      }
    }
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
