export type { NatsConnectionLike, NatsServerOptions } from "./connection.js";
export { type JetStreamSinkOptions, openJetStreamSink } from "./sink.js";
export { type SubjectOf, subjectToken } from "./subject.js";
