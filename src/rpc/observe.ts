import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { aBoolean, aNumberFrom, aSignal, checkedElsewhere, either } from "../errors/value-checks.js";
import { FLOW_FILTER_OPTIONS, filterOptionsOf } from "../filter/filter-options.js";
import { compileFlowFilters, type FlowFilterLists, type FlowFilterOptions } from "../filter/index.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import {
  type GetFlowsRequest,
  type GetFlowsRequestJson,
  GetFlowsRequestSchema,
  type GetFlowsResponse,
} from "../gen/observer/observer_pb.js";
import { aTransport } from "./calls.js";
import { GetFlowsStream } from "./observe/flow-stream.js";
import { readRequest } from "./read-request.js";

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
  /**
   * Client-side filter of the received flows. Prefer filters in the request, which the server applies. Filter lists and
   * compiled filters are evaluated on the encoded response, so that only the flows that pass are decoded; damage within
   * fields that no filter reads is then not noticed in other flows.
   */
  readonly filter?: FlowFilterLists | ((flow: Flow) => boolean);
  readonly clock?: Clock;
}

/** Options of {@link observe} for encoded responses. */
export interface EncodedObserveOptions extends ObserveOptions {
  /**
   * Yields the responses encoded, as `observer.GetFlowsResponse`, for programs that store or forward them:
   * nothing is decoded, and fields that are newer than this package are kept. Several responses may be views
   * of one buffer, which stays in memory as long as one of them: copy what is kept for long.
   */
  readonly encoded: true;
}

export const RECONNECT_OPTIONS: OptionTable<ReconnectOptions> = {
  initialDelayMs: aNumberFrom(0),
  maxDelayMs: aNumberFrom(0),
  maxAttempts: aNumberFrom(1),
};

const OBSERVE_OPTIONS: OptionTable<ObserveOptions & Partial<EncodedObserveOptions>> = {
  ...FLOW_FILTER_OPTIONS,
  signal: aSignal,
  reconnect: either(
    (value) => typeof value === "object",
    optionsOf("reconnect", RECONNECT_OPTIONS),
    aBoolean,
  ),
  // compileFlowFilters checks it.
  filter: checkedElsewhere,
  encoded: aBoolean,
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
export interface FlowStream<T extends GetFlowsResponse | Uint8Array = GetFlowsResponse>
  extends AsyncIterable<T> {
  /** Iterates over non-empty batches of responses that arrived together: faster for readers of many flows. */
  batches(): AsyncIterableIterator<T[]>;
  readonly stats: FlowStreamStats;
}

/**
 * `observer.GetFlowsRequest` as a message or init object; `parseFlowFlags` and `toFlowsRequest` create one from flags.
 */
export type GetFlowsRequestInit = MessageInitShape<typeof GetFlowsRequestSchema>;

/** {@link GetFlowsRequestInit}, or parsed protobuf JSON. */
export type GetFlowsRequestInput = GetFlowsRequestInit | GetFlowsRequestJson;

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
 * @param request A message, an init object or protobuf JSON. The server validates the values.
 * @throws FilterError for an invalid filter, OptionsError, and TypeError for an invalid transport or request, from the
 *   call; RpcError, or the signal's reason, from the iteration.
 */
export function observe(
  transport: Transport,
  request: GetFlowsRequestInput | undefined,
  options: EncodedObserveOptions,
): FlowStream<Uint8Array>;
export function observe(
  transport: Transport,
  request?: GetFlowsRequestInput,
  options?: ObserveOptions,
): FlowStream;
export function observe(
  transport: Transport,
  request: GetFlowsRequestInput = {},
  options: ObserveOptions & Partial<EncodedObserveOptions> = {},
): FlowStream<GetFlowsResponse | Uint8Array> {
  checkArgument("observe", "transport", transport, aTransport);
  const message = toRequest(request);
  checkOptions("observe", options, OBSERVE_OPTIONS);
  const { signal, reconnect = false, filter, encoded = false, clock = systemClock } = options;
  return new GetFlowsStream(transport, message, {
    signal,
    reconnect:
      reconnect === false ? undefined : { ...DEFAULT_RECONNECT, ...(reconnect === true ? {} : reconnect) },
    filter:
      filter === undefined || typeof filter === "function"
        ? filter
        : compileFlowFilters(filter, filterOptionsOf(options)),
    yieldsEncoded: encoded,
    clock,
  });
}

function toRequest(request: GetFlowsRequestInput): GetFlowsRequest {
  let message: GetFlowsRequest | undefined;
  checkArgument("observe", "request", request, (value, path, report) => {
    message = readRequest(GetFlowsRequestSchema, value, path, report);
  });
  // Read by the check, which has not thrown.
  return message!;
}
