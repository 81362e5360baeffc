/** Events as OpenTelemetry logs. Node only. */
export type { HttpOptions, HttpTls } from "../http/options.js";
export { OTLP_ATTRIBUTES, type OtlpAttribute, type OtlpAttributes, type OtlpValue } from "./attributes.js";
export { type OtlpSinkOptions, openOtlpSink } from "./otlp-sink.js";
