export type { KafkaClientLike, KafkaServerOptions } from "./client.js";
export type { KeyOf } from "./key.js";
export { type KafkaSinkOptions, openKafkaSink } from "./sink.js";
