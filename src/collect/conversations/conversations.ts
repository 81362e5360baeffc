import { systemClock } from "../../async/clock.js";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { aNumber } from "../../errors/value-checks.js";
import type { FlowEnvelope, FlowEvent } from "../../filter/index.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { decodeGetFlowsResponse } from "../../message/decode-response.js";
import { DEFAULT_MAX_AHEAD_MS } from "../address-book/options.js";
import { isTime, millisecondsOf } from "../address-book/time.js";
import { flowOf } from "../flow-of.js";
import type { Conversation, ConversationEnd } from "./conversation.js";
import { Entries } from "./entries.js";
import { Entry } from "./entry.js";
import {
  CONVERSATION_OPTIONS,
  type ConversationOptions,
  DEFAULT_IDLE_MS,
  DEFAULT_MAX_CONVERSATIONS,
} from "./options.js";
import { type Subject, subjectOf } from "./subject.js";

/** An event that may be a flow of a conversation; as bytes, an encoded GetFlowsResponse. */
export type ConversationEvent = FlowEvent | FlowEnvelope | Uint8Array;

/** Counts of {@link Conversations}. */
export interface ConversationStats {
  /** Flows that were added to a conversation. */
  readonly flows: number;
  /** Flows that were ignored because they have no addresses. */
  readonly withoutAddresses: number;
  /** Flows that were ignored because they have no time. */
  readonly untimed: number;
  /** Flows that were ignored because their time is too far ahead; see `maxAheadMs`. */
  readonly ahead: number;
  /** Flows that were observed so long before their conversation that they were returned as one of their own. */
  readonly late: number;
  /** Conversations that are in memory now. */
  readonly conversations: number;
  /** Conversations that were returned. */
  readonly ended: number;
  /** Of these, how many because of `maxConversations`. */
  readonly evicted: number;
}

/** Collects the flows of conversations. All methods are synchronous. */
export interface Conversations {
  /**
   * Adds an event, and returns the conversations that have ended. Events that are not flows are ignored. Messages must not
   * change until their conversation has ended.
   *
   * @throws FlowscribeError `malformed_message` for bytes that are not a valid GetFlowsResponse.
   */
  add(event: ConversationEvent): Conversation[];
  /**
   * Ends the conversations that are idle at a time, in milliseconds since 1970, although no later flow was added. A live
   * program calls it from a timer.
   *
   * @throws TypeError if `timeMs` is not a number.
   */
  endIdle(timeMs: number): Conversation[];
  /** Ends all conversations, and returns them in the order in which their last flows were added. */
  flush(): Conversation[];
  readonly stats: ConversationStats;
}

/**
 * Creates a collection of conversations: one record for the flows of both directions, from all nodes and points of
 * observation. The key is the protocol and the unordered pair of addresses and ports, for ICMP also the type, and for
 * protocols without ports only the addresses. Flows may come in any order within `idleMs`; docs/aggregation.md states the
 * rules.
 *
 * @throws OptionsError
 *
 * @example
 * const conversations = createConversations({ idleMs: 60_000 });
 * for (const event of events) report(conversations.add(event));
 * report(conversations.flush());
 */
export function createConversations(options: ConversationOptions = {}): Conversations {
  checkOptions("createConversations", options, CONVERSATION_OPTIONS);
  return new FlowConversations(options);
}

class FlowConversations implements Conversations {
  readonly #entries = new Entries();
  readonly #max: number;
  readonly #idle: number;
  readonly #maxAhead: number;
  readonly #now: () => number;
  #latest = Number.NEGATIVE_INFINITY;
  #flows = 0;
  #withoutAddresses = 0;
  #untimed = 0;
  #ahead = 0;
  #late = 0;
  #ended = 0;
  #evicted = 0;

  constructor({
    maxConversations = DEFAULT_MAX_CONVERSATIONS,
    idleMs = DEFAULT_IDLE_MS,
    maxAheadMs = DEFAULT_MAX_AHEAD_MS,
    clock = systemClock,
  }: ConversationOptions) {
    this.#max = maxConversations;
    this.#idle = idleMs;
    this.#maxAhead = maxAheadMs;
    this.#now = () => clock.now();
  }

  get stats(): ConversationStats {
    return {
      flows: this.#flows,
      withoutAddresses: this.#withoutAddresses,
      untimed: this.#untimed,
      ahead: this.#ahead,
      late: this.#late,
      conversations: this.#entries.size,
      ended: this.#ended,
      evicted: this.#evicted,
    };
  }

  add(event: ConversationEvent): Conversation[] {
    const flow = flowOf("add", isUint8Array(event) ? decodeGetFlowsResponse(event) : event);
    if (flow === undefined) return [];
    const subject = subjectOf(flow);
    const timeMs = flow.time === undefined ? Number.NaN : millisecondsOf(flow.time);
    if (subject === undefined) this.#withoutAddresses++;
    else if (!isTime(timeMs)) this.#untimed++;
    else if (timeMs > this.#now() + this.#maxAhead) this.#ahead++;
    else return this.#addFlow(flow, subject, timeMs);
    return [];
  }

  endIdle(timeMs: number): Conversation[] {
    checkArgument("endIdle", "timeMs", timeMs, aNumber);
    const ended: Conversation[] = [];
    for (let entry = this.#entries.oldest; entry !== undefined; entry = this.#entries.oldest) {
      if (entry.lastMs + this.#idle >= timeMs) break;
      ended.push(this.#end(entry, "idle"));
    }
    return ended;
  }

  flush(): Conversation[] {
    const ended: Conversation[] = [];
    for (let entry = this.#entries.oldest; entry !== undefined; entry = this.#entries.oldest) {
      ended.push(this.#end(entry, "flushed"));
    }
    return ended;
  }

  #addFlow(flow: Flow, subject: Subject, timeMs: number): Conversation[] {
    this.#flows++;
    if (timeMs > this.#latest) this.#latest = timeMs;
    const ended = this.endIdle(this.#latest);
    const known = this.#entries.find(subject.key);
    if (known !== undefined && timeMs < known.firstMs - this.#idle) {
      this.#late++;
      this.#ended++;
      const entry = new Entry(subject, flow);
      entry.add(flow, subject, timeMs);
      return [...ended, entry.end("idle")];
    }
    const end = known && endBefore(known, subject, timeMs, this.#idle);
    if (known !== undefined && end !== undefined) ended.push(this.#end(known, end));
    let entry = end === undefined ? known : undefined;
    if (entry === undefined) {
      if (this.#entries.size >= this.#max) {
        this.#evicted++;
        ended.push(this.#end(this.#entries.oldest!, "evicted"));
      }
      entry = new Entry(subject, flow);
    }
    entry.add(flow, subject, timeMs);
    this.#entries.setNewest(entry);
    return ended;
  }

  #end(entry: Entry, reason: ConversationEnd): Conversation {
    this.#ended++;
    this.#entries.delete(entry);
    return entry.end(reason);
  }
}

/** Why a conversation has ended before a flow of the same key; undefined if the flow belongs to it. */
function endBefore(
  entry: Entry,
  { opensConnection }: Subject,
  timeMs: number,
  idleMs: number,
): ConversationEnd | undefined {
  if (timeMs > entry.lastMs + idleMs) return "idle";
  return opensConnection && entry.isClosed && timeMs > entry.lastMs ? "replaced" : undefined;
}
