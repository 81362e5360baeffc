export type {
  AddressBook,
  AddressBookStats,
  BookLookupOptions,
  BookLookups,
  BookMoments,
} from "./address-book/address-book.js";
export {
  type AddressBookOptions,
  DEFAULT_MAX_AHEAD_MS,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_ENTRIES,
  DEFAULT_MAX_SKEW_MS,
  DEFAULT_MIN_NAME_MS,
} from "./address-book/options.js";
export type { AddressSelection } from "./address-book/selection.js";
export type { AddressBookSnapshot, AddressFact, Interval } from "./address-book/snapshot.js";
export type { BookTime } from "./address-book/time.js";
export type { AddressChange, AddressWatch } from "./address-book/watch.js";
export { createAddressBook } from "./address-book.js";
export { aggregateFlows } from "./aggregate/aggregate-flows.js";
export {
  type AggregatedEvent,
  createFlowAggregator,
  type FlowAggregator,
  type FlowAggregatorStats,
  type FlowGroup,
} from "./aggregate/aggregator.js";
export {
  type AggregateFlowsOptions,
  DEFAULT_MAX_GROUPS,
  type FlowAggregatorOptions,
  MAX_GROUPS,
} from "./aggregate/options.js";
export { type SelectByNameOptions, selectByName } from "./by-name/select-by-name.js";
export { type Collection, collect } from "./collect.js";
export type { CheckpointStore } from "./collector/checkpoint.js";
export { formatCollectMetrics } from "./collector/metrics.js";
export type {
  CollectOptions,
  CollectOutput,
  CollectReport,
  OutputAggregation,
  RetryOptions,
} from "./collector/options.js";
export type { RedactedHeaders, Redaction } from "./collector/redact.js";
export type { CollectStats, OutputStats } from "./collector/stats.js";
export type {
  Conversation,
  ConversationEnd,
  ConversationEndpoint,
  ConversationProtocol,
  FlowCounts,
  InitiatorSource,
  Observation,
} from "./conversations/conversation.js";
export {
  type ConversationEvent,
  type ConversationStats,
  type Conversations,
  createConversations,
} from "./conversations/conversations.js";
export { conversationsOf } from "./conversations/conversations-of.js";
export {
  type ConversationOptions,
  DEFAULT_IDLE_MS,
  DEFAULT_MAX_CONVERSATIONS,
} from "./conversations/options.js";
export type { TcpFlagName } from "./conversations/tcp-state.js";
export { type EventIterable, type FromEventsOptions, fromEvents } from "./from-events.js";
