export type { BrokerSource } from "../broker/broker-source.js";
export type { BrokerSourceStats, UndecodableMessage } from "../broker/source-stats.js";
export type { NatsConnectionLike, NatsServerOptions, NatsSubscriptionLike } from "./connection.js";
export type { CreateConsumer } from "./consumer.js";
export { type JetStreamSinkOptions, openJetStreamSink } from "./sink.js";
export { type JetStreamSourceOptions, openJetStreamSource } from "./source.js";
export { type SubjectOf, subjectToken } from "./subject.js";
