import { toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { systemClock } from "../../async/clock.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { OptionsError } from "../../errors/errors.js";
import {
  aFunction,
  anInteger,
  anObjectOf,
  either,
  oneOf,
  valueCheck,
  withMethods,
} from "../../errors/value-checks.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { ExportLogsServiceRequestSchema } from "../../gen/opentelemetry/logs_service_pb.js";
import { decodeEvent } from "../../observer/events/encoded-event.js";
import type { FlowSink } from "../../observer/events/flow-sink.js";
import { encodeEnvelope } from "../../observer/export/line.js";
import { formatFlow } from "../../observer/format.js";
import { HttpClient } from "../http/http-client.js";
import { anHttpUrl, HTTP_DEFAULTS, HTTP_OPTIONS, type HttpOptions } from "../http/options.js";
import { RequestSink } from "../http/request-sink.js";
import { OTLP_ATTRIBUTES, type OtlpAttributes, type OtlpValue } from "./attributes.js";
import type { SendLogs } from "./grpc.js";
import { type RecordForm, toLogRecord } from "./record.js";
import { type NodeRecord, requestOf, sizeOf } from "./request.js";
import { outcomeOfAnswer } from "./response.js";

/** Options of {@link openOtlpSink}. */
export interface OtlpSinkOptions extends HttpOptions {
  /** The URL for logs over HTTP; default `http://localhost:4318/v1/logs`. */
  readonly url?: string;
  /**
   * Sends over gRPC instead, with a transport of `openTransport` or Connect, which the sink does not close. Of the options for
   * HTTP, only `timeoutMs`, `maxBodyBytes` and `clock` apply.
   */
  readonly transport?: Transport;
  /** The attributes of log records; default {@link OTLP_ATTRIBUTES}. */
  readonly attributes?: OtlpAttributes;
  /**
   * Attributes of the resource, besides `k8s.node.name` and `k8s.cluster.name` from the name of the node; default
   * `{ "service.name": "hubble" }`.
   */
  readonly resource?: Readonly<Record<string, OtlpValue>>;
  /**
   * The body of log records: the line of `hubble observe` (default), the event as in Hubble's export files, or what a function
   * returns. What it throws refuses the event.
   */
  readonly body?: "compact" | "json" | ((event: GetFlowsResponse | ExportEvent) => string);
  /** How often a refused request of one `write` is divided to find the refused records; default 64. */
  readonly maxDivisions?: number;
}

const isFunction = (value: unknown) => typeof value === "function";

const OPTIONS: OptionTable<OtlpSinkOptions> = {
  ...HTTP_OPTIONS,
  url: anHttpUrl,
  transport: withMethods<Transport>("a transport with `unary` and `stream`", "unary", "stream"),
  attributes: anObjectOf(aFunction),
  resource: anObjectOf(
    valueCheck<OtlpValue>(
      "a string, number, bigint, boolean or list of strings",
      (value) =>
        ["string", "number", "bigint", "boolean"].includes(typeof value) ||
        (Array.isArray(value) && value.every((one) => typeof one === "string")),
    ),
  ),
  body: either(isFunction, aFunction, oneOf("compact", "json")),
  maxDivisions: anInteger(0),
};

const DEFAULT_URL = "http://localhost:4318/v1/logs";
const DEFAULT_RESOURCE = { "service.name": "hubble" };
const MAX_DIVISIONS = 64;

/** Bodies by name. */
const BODIES: { readonly [K in "compact" | "json"]: RecordForm["body"] } = {
  compact: (event) => formatFlow(event),
  json: (event) => encodeEnvelope(event),
};

/** Options that have no meaning with a transport. */
const HTTP_ONLY = ["url", "headers", "gzip", "maxRetryAfterMs", "tls", "agent"] as const;

/**
 * Opens a sink that sends each event as a log record to an OpenTelemetry collector, over HTTP (protobuf) or gRPC. It connects
 * with the first `write`, which resolves when the collector has accepted the records.
 *
 * If a collector rejects some records of a request, it does not say which (partial success). `RefusedEventsError` then has
 * all events of that request, so that none is lost silently; `stats.refused` has the number that the collector reports.
 *
 * Other answers are treated as by `openHttpSink` of `flowscribe/sink/http`. Over gRPC, INVALID_ARGUMENT refuses a request.
 *
 * @throws OptionsError
 *
 * @example
 * await using sink = await openOtlpSink({ url: "http://collector:4318/v1/logs", gzip: true });
 */
export async function openOtlpSink(options: OtlpSinkOptions = {}): Promise<FlowSink> {
  checkOptions("openOtlpSink", options, OPTIONS);
  const {
    attributes = OTLP_ATTRIBUTES,
    resource = DEFAULT_RESOURCE,
    body = "compact",
    clock = systemClock,
    maxBodyBytes = HTTP_DEFAULTS.maxBodyBytes,
    maxDivisions = MAX_DIVISIONS,
  } = options;
  const form = { attributes, body: typeof body === "string" ? BODIES[body] : body };
  const { name, send, close } = await openSend(options);
  return new RequestSink<NodeRecord>({
    name,
    maxBodyBytes,
    maxDivisions,
    encode: (event) => {
      const observed = BigInt(Math.trunc(clock.now())) * 1_000_000n;
      const payload = { node: event.node, record: toLogRecord(event, decodeEvent(event), observed, form) };
      return { payload, bytes: sizeOf(payload) };
    },
    send: (items, signal) => send(requestOf(items, resource), items.length, signal),
    close,
  });
}

async function openSend(
  options: OtlpSinkOptions,
): Promise<{ name: string; send: SendLogs; close: () => void }> {
  const { transport, url = DEFAULT_URL, timeoutMs = HTTP_DEFAULTS.timeoutMs } = options;
  if (transport !== undefined) {
    const unused = HTTP_ONLY.filter((name) => options[name] !== undefined);
    const message = "has no effect with transport; remove one of them";
    if (unused.length > 0) throw new OptionsError(unused.map((path) => ({ path, message })));
    // Programs that send over HTTP need not load it.
    const { createGrpcSend } = await import("./grpc.js");
    return { name: "the OTLP server", send: createGrpcSend(transport, timeoutMs), close: () => {} };
  }
  const client = new HttpClient(new URL(url), options);
  const send: SendLogs = async (request, records, signal) => {
    const body = toBinary(ExportLogsServiceRequestSchema, request);
    const answer = await client.post({ body, contentType: "application/x-protobuf" }, signal);
    return outcomeOfAnswer(answer, client, records);
  };
  return { name: client.name, send, close: () => client.close() };
}
