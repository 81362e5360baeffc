export type { BrokerSource } from "../broker/broker-source.js";
export type { BrokerSourceStats, UndecodableMessage } from "../broker/source-stats.js";
export type { KafkaClientLike, KafkaServerOptions } from "./client.js";
export type { KeyOf } from "./key.js";
export { type KafkaSinkOptions, openKafkaSink } from "./sink.js";
export { type KafkaSourceOptions, openKafkaSource } from "./source.js";
