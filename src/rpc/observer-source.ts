import type { Transport } from "@connectrpc/connect";
import { aClock, type Clock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { messageOf } from "../errors/message.js";
import { aNumberFrom } from "../errors/value-checks.js";
import { type GetFlowsRequest, GetFlowsRequestSchema } from "../gen/observer/observer_pb.js";
import { fromNanoseconds, toNanoseconds } from "../message/timestamp.js";
import { type EncodedEvent, encodedEvent } from "../observer/events/encoded-event.js";
import type { EventSource, JsonValue, ReadOptions } from "../observer/events/event-source.js";
import { aTransport } from "./calls.js";
import { NodePositions } from "./observe/node-positions.js";
import {
  type FlowStream,
  type GetFlowsRequestInput,
  observe,
  RECONNECT_OPTIONS,
  type ReconnectOptions,
} from "./observe.js";
import { readRequest } from "./read-request.js";

/** Options of {@link observerSource}. */
export interface ObserverSourceOptions {
  /** Delays of reconnecting, as for `observe`. By default the number of attempts is not limited. */
  readonly reconnect?: ReconnectOptions;
  /**
   * A node without flows for longer than this, compared with the others, is forgotten by the position: when it comes back
   * after a restart, flows that its buffer still holds can be repeated. Default one hour.
   */
  readonly maxNodeAgeMs?: number;
  readonly clock?: Clock;
}

/** Counts of an {@link ObserverSource}. */
export interface ObserverSourceStats {
  /** Events that were received. */
  readonly received: number;
  /** Flows that were received again after a reconnect or a restart, and left out. */
  readonly repeated: number;
  /** Attempts to reconnect, including failed ones. */
  readonly reconnects: number;
}

/** The flows of a Hubble server or Relay as a source that can be resumed. */
export interface ObserverSource extends EventSource {
  readonly stats: ObserverSourceStats;
  position(): JsonValue;
}

const OPTIONS: OptionTable<ObserverSourceOptions> = {
  reconnect: optionsOf("reconnect", RECONNECT_OPTIONS),
  maxNodeAgeMs: aNumberFrom(0),
  clock: aClock,
};

const DEFAULT_MAX_NODE_AGE_MS = 60 * 60 * 1000;

/**
 * Reads the flows of a Hubble server or Relay for `collect`. A lost connection is opened again without limit. Its position
 * has the time of the latest acknowledged flow of each node, and the UUIDs of the two seconds before it: after a restart, the
 * flows since then are requested again, and those that were acknowledged are left out.
 *
 * No flow is missed as long as the server still has it in its buffer when the connection is back.
 *
 * @param request As for `observe`, usually with `follow`. After a restart, `number` and `first` no longer apply.
 * @throws OptionsError, and TypeError for an invalid transport or request.
 *
 * @example
 * const source = observerSource(transport, { follow: true, whitelist: [{ verdict: ["DROPPED"] }] });
 */
export function observerSource(
  transport: Transport,
  request: GetFlowsRequestInput = {},
  options: ObserverSourceOptions = {},
): ObserverSource {
  checkArgument("observerSource", "transport", transport, aTransport);
  let message: GetFlowsRequest | undefined;
  checkArgument("observerSource", "request", request, (value, path, report) => {
    message = readRequest(GetFlowsRequestSchema, value, path, report);
  });
  checkOptions("observerSource", options, OPTIONS);
  // Read by the check, which has not thrown.
  return new FlowsSource(transport, message!, options);
}

class FlowsSource implements ObserverSource {
  readonly #transport: Transport;
  readonly #request: GetFlowsRequest;
  readonly #options: ObserverSourceOptions;
  readonly #positions: NodePositions;
  /** What was acknowledged before this run. */
  readonly #before: NodePositions;
  #stream: FlowStream<Uint8Array> | undefined;
  #repeated = 0;

  constructor(transport: Transport, request: GetFlowsRequest, options: ObserverSourceOptions) {
    this.#transport = transport;
    this.#request = request;
    this.#options = options;
    const { maxNodeAgeMs = DEFAULT_MAX_NODE_AGE_MS } = options;
    this.#positions = new NodePositions(maxNodeAgeMs);
    this.#before = new NodePositions(maxNodeAgeMs);
  }

  get stats(): ObserverSourceStats {
    const { received = 0, repeated = 0, reconnects = 0 } = this.#stream?.stats ?? {};
    return { received, repeated: repeated + this.#repeated, reconnects };
  }

  async *read({ position, signal }: ReadOptions): AsyncGenerator<EncodedEvent[], void, undefined> {
    if (this.#stream !== undefined) {
      throw new FlowscribeError("source_consumed", "a source of flows can be read only once");
    }
    this.#resume(position);
    const { reconnect = {}, clock } = this.#options;
    this.#stream = observe(this.#transport, this.#requestFrom(this.#before.since), {
      encoded: true,
      signal,
      reconnect: { maxAttempts: Number.POSITIVE_INFINITY, ...reconnect },
      ...(clock && { clock }),
    });
    for await (const responses of this.#stream.batches()) {
      const events: EncodedEvent[] = [];
      for (const response of responses) {
        const event = encodedEvent(response);
        if (position !== undefined && this.#before.has(event)) this.#repeated++;
        else events.push(event);
      }
      yield events;
    }
  }

  acknowledge(batch: readonly EncodedEvent[]): void {
    for (const event of batch) this.#positions.add(event);
  }

  position(): JsonValue {
    return this.#positions.toJson();
  }

  #resume(position: JsonValue | undefined): void {
    if (position === undefined) return;
    try {
      this.#positions.load(position);
      this.#before.load(position);
    } catch (error) {
      throw new FlowscribeError("open_failed", `resume reading flows: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The request, from a time on. */
  #requestFrom(since: bigint | undefined): GetFlowsRequest {
    if (since === undefined) return this.#request;
    const { since: first } = this.#request;
    const from = [0n, since, first === undefined ? 0n : toNanoseconds(first)].reduce((a, b) =>
      a > b ? a : b,
    );
    return { ...this.#request, since: fromNanoseconds(from), number: 0n, first: false };
  }
}
