import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { anIterable } from "../../errors/value-checks.js";
import type { Conversation } from "./conversation.js";
import { type ConversationEvent, createConversations } from "./conversations.js";
import { CONVERSATION_OPTIONS, type ConversationOptions } from "./options.js";

/**
 * Yields the conversations of a stream of events as they end, and at the end of the events those that remain; see
 * `createConversations`. If the events fail, the conversations are yielded before the error is thrown. A conversation ends
 * when a later flow arrives: while the stream is silent, nothing ends.
 *
 * @throws From the call: OptionsError, and TypeError if `events` is not iterable. From the iteration: the errors of the
 *   events and of `add`.
 *
 * @example
 * for await (const { initiator, responder, flows } of conversationsOf(decodeExport(input))) {
 *   console.log(initiator.podName, responder.podName, flows);
 * }
 */
export function conversationsOf(
  events: AsyncIterable<ConversationEvent> | Iterable<ConversationEvent>,
  options: ConversationOptions = {},
): AsyncGenerator<Conversation, void, undefined> {
  checkArgument("conversationsOf", "events", events, anIterable);
  checkOptions("conversationsOf", options, CONVERSATION_OPTIONS);
  return collect(events, options);
}

async function* collect(
  events: AsyncIterable<ConversationEvent> | Iterable<ConversationEvent>,
  options: ConversationOptions,
): AsyncGenerator<Conversation, void, undefined> {
  const conversations = createConversations(options);
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const event of events) yield* conversations.add(event);
  } catch (error) {
    failure = { error };
  }
  yield* conversations.flush();
  if (failure !== undefined) throw failure.error;
}
