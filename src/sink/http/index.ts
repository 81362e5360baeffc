/** Events over HTTP. Node only. */
import type { Registry } from "@bufbuild/protobuf";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { describeValue } from "../../errors/describe-value.js";
import { aFunction, aListOf, anInteger, aString } from "../../errors/value-checks.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { aRegistry } from "../../message/json/registry.js";
import { decodeEvent } from "../../observer/events/encoded-event.js";
import type { FlowSink } from "../../observer/events/flow-sink.js";
import { encodeEnvelope } from "../../observer/export/line.js";
import { outcomeOf } from "./answer-outcome.js";
import { HttpClient } from "./http-client.js";
import {
  aHeaderName,
  aHeaderValue,
  anHttpUrl,
  HTTP_DEFAULTS,
  HTTP_OPTIONS,
  type HttpOptions,
} from "./options.js";
import { RequestSink } from "./request-sink.js";
import { tokenOf } from "./request-token.js";

export type { HttpOptions, HttpTls } from "./options.js";

/** Options of {@link openHttpSink}. */
export interface HttpSinkOptions extends HttpOptions {
  /**
   * Returns the value that is sent for an event, as JSON; for example `flattenEvent`. What it throws refuses the event.
   * Default: the event as in Hubble's export files.
   */
  readonly row?: (event: GetFlowsResponse | ExportEvent) => unknown;
  /** The types of messages in the `extensions` of flows, for events as in export files. */
  readonly registry?: Registry;
  /** Default `application/x-ndjson`. */
  readonly contentType?: string;
  /** The name of a header for a token that identifies the events of a request, such as `Idempotency-Key`. */
  readonly idempotencyHeader?: string;
  /** The name of a query parameter for the same token, such as `insert_deduplication_token` of ClickHouse. */
  readonly deduplicationParameter?: string;
  /** Statuses that refuse a request because of its rows; default 400 and 422. */
  readonly refusedStatuses?: readonly number[];
  /** How often a refused request of one `write` is divided to find the refused rows; default 64. */
  readonly maxDivisions?: number;
}

const OPTIONS: OptionTable<HttpSinkOptions> = {
  ...HTTP_OPTIONS,
  row: aFunction,
  registry: aRegistry,
  contentType: aHeaderValue,
  idempotencyHeader: aHeaderName,
  deduplicationParameter: aString,
  refusedStatuses: aListOf(anInteger(400, 599)),
  maxDivisions: anInteger(0),
};

const REFUSED_STATUSES = [400, 422];
const MAX_DIVISIONS = 64;

/**
 * Opens a sink that sends events as lines of JSON in POST requests: for ClickHouse (`INSERT INTO flows FORMAT JSONEachRow`
 * in the query of the URL), Vector, Fluent Bit, and other servers that read them. It connects with the first `write`.
 *
 * | answer | result |
 * | --- | --- |
 * | 2xx | the events are durable |
 * | 400, 422 | the request is divided until the refused rows are known: `RefusedEventsError` |
 * | 413 | the request is divided; a single event is refused |
 * | others, no or an incomplete answer | an error: the events may be written again |
 *
 * If the server refuses all events before it has stored any, `write` fails and refuses none.
 *
 * @param url May contain credentials and a query; errors show neither.
 * @throws OptionsError; TypeError for what is not a URL.
 *
 * @example
 * await using sink = await openHttpSink(`http://clickhouse:8123/?query=${encodeURIComponent(insert)}`, { row: flattenEvent });
 */
export async function openHttpSink(url: string, options: HttpSinkOptions = {}): Promise<FlowSink> {
  checkArgument("openHttpSink", "url", url, anHttpUrl);
  checkOptions("openHttpSink", options, OPTIONS);
  const {
    row,
    registry,
    contentType = "application/x-ndjson",
    idempotencyHeader,
    deduplicationParameter,
    refusedStatuses = REFUSED_STATUSES,
    maxDivisions = MAX_DIVISIONS,
    maxBodyBytes = HTTP_DEFAULTS.maxBodyBytes,
    ...http
  } = options;
  const client = new HttpClient(new URL(url), http);
  const encoding = registry && { registry };
  const lineOf = row === undefined ? (event: Row) => encodeEnvelope(event, encoding) : jsonOf(row);
  return new RequestSink<string>({
    name: client.name,
    maxBodyBytes,
    maxDivisions,
    encode: (event) => {
      const payload = `${lineOf(decodeEvent(event))}\n`;
      return { payload, bytes: Buffer.byteLength(payload) };
    },
    send: async (items, signal) => {
      const token =
        idempotencyHeader === undefined && deduplicationParameter === undefined ? "" : tokenOf(items);
      const answer = await client.post(
        {
          body: Buffer.from(items.map(({ payload }) => payload).join("")),
          contentType,
          ...(idempotencyHeader !== undefined && { headers: { [idempotencyHeader]: token } }),
          ...(deduplicationParameter !== undefined && { query: { [deduplicationParameter]: token } }),
        },
        signal,
      );
      return outcomeOf(answer, client, refusedStatuses);
    },
    close: () => client.close(),
  });
}

type Row = GetFlowsResponse | ExportEvent;

/** @throws TypeError if a row has no JSON form. */
function jsonOf(row: (event: Row) => unknown): (event: Row) => string {
  return (event) => {
    const value = row(event);
    const line: string | undefined = JSON.stringify(value);
    if (line === undefined)
      throw new TypeError(`row returned ${describeValue(value)}, which has no JSON form`);
    return line;
  };
}
