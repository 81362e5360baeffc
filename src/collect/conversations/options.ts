import { aClock, type Clock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import { aNumberFrom, anInteger, aPositiveNumber } from "../../errors/value-checks.js";

/** Default of {@link ConversationOptions.maxConversations}. */
export const DEFAULT_MAX_CONVERSATIONS = 10_000;

/** Default of {@link ConversationOptions.idleMs}: five minutes. */
export const DEFAULT_IDLE_MS = 300_000;

/** The bounds of conversations. */
export interface ConversationOptions {
  /**
   * The maximum number of conversations in memory. If a further one begins, the one whose last flow was added least
   * recently ends, and is counted. Default {@link DEFAULT_MAX_CONVERSATIONS}.
   */
  readonly maxConversations?: number;
  /**
   * A conversation ends when the latest flow of all is later than its own last one by more than this, in milliseconds.
   * Flows that arrive in another order than they were observed must not be later than this. Default five minutes;
   * `Infinity`: never.
   */
  readonly idleMs?: number;
  /**
   * Flows whose time is further ahead of the clock than this, in milliseconds, are ignored and counted: they would end
   * all conversations. Default five minutes; `Infinity` accepts all.
   */
  readonly maxAheadMs?: number;
  /** The source of the current time. The system clock by default. */
  readonly clock?: Clock;
}

export const CONVERSATION_OPTIONS: OptionTable<ConversationOptions> = {
  maxConversations: anInteger(1, 2 ** 24),
  idleMs: aPositiveNumber,
  maxAheadMs: aNumberFrom(0),
  clock: aClock,
};
