import { type Flow, L7FlowType } from "../../gen/flow/flow_pb.js";
import { type Exemplar, exemplarOf } from "../series/exemplar.js";
import type { HandlerContext, MetricType } from "./handler.js";
import { reporterOf } from "./names.js";

const NAMES = {
  requests: "hubble_http_requests_total",
  responses: "hubble_http_responses_total",
  duration: "hubble_http_request_duration_seconds",
} as const;

const HELP = {
  requests: "Count of HTTP requests",
  responses: "Count of HTTP responses",
  duration: "Histogram of HTTP request duration in seconds",
} as const;

const READS = [
  "l7.type",
  "l7.latency_ns",
  "l7.http.code",
  "l7.http.method",
  "l7.http.protocol",
  "traffic_direction",
];

/** `http`: requests and responses; the source of a response is the server. */
export const http: MetricType = {
  options: { exemplars: "true" },
  conflictsWith: "httpV2",
  create(context) {
    const { labels, counter, histogram } = context;
    const requests = counter(NAMES.requests, HELP.requests, ["method", "protocol", "reporter"], "first");
    const responses = counter(
      NAMES.responses,
      HELP.responses,
      ["method", "protocol", "status", "reporter"],
      "first",
    );
    const duration = histogram(NAMES.duration, HELP.duration, ["method", "reporter"], "first");
    const at = labels.names.length;
    const exemplar = exemplarsOf(context);
    return {
      reads: [...READS, ...exemplar.reads, ...labels.reads],
      observe(flow) {
        const { l7 } = flow;
        if (l7?.record.case !== "http") return;
        const { method, protocol, code } = l7.record.value;
        const reporter = reporterOf(flow.trafficDirection);
        if (l7.type === L7FlowType.REQUEST) {
          const { values } = requests;
          labels.write(flow, values, 0);
          values[at] = method;
          values[at + 1] = protocol;
          values[at + 2] = reporter;
          requests.add(1, exemplar.of(flow, 1));
        } else if (l7.type === L7FlowType.RESPONSE) {
          const { values } = responses;
          labels.write(flow, values, 0);
          values[at] = method;
          values[at + 1] = protocol;
          values[at + 2] = code;
          values[at + 3] = reporter;
          responses.add(1, exemplar.of(flow, 1));
          labels.write(flow, duration.values, 0);
          duration.values[at] = method;
          duration.values[at + 1] = reporter;
          const seconds = secondsOf(l7.latencyNs);
          duration.observe(seconds, exemplar.of(flow, seconds));
        }
      },
    };
  },
};

/** `httpV2`: requests, counted when their responses are seen; source and destination are those of the request. */
export const httpV2: MetricType = {
  options: { exemplars: "true" },
  conflictsWith: "http",
  create(context) {
    const { labels, counter, histogram } = context;
    const requests = counter(
      NAMES.requests,
      HELP.requests,
      ["method", "protocol", "status", "reporter"],
      "first",
    );
    const duration = histogram(NAMES.duration, HELP.duration, ["method", "reporter"], "first");
    const at = labels.names.length;
    const exemplar = exemplarsOf(context);
    return {
      reads: [...READS, ...exemplar.reads, ...labels.reads],
      observe(flow) {
        const { l7 } = flow;
        if (l7?.record.case !== "http" || l7.type !== L7FlowType.RESPONSE) return;
        const { method, protocol, code } = l7.record.value;
        const reporter = reporterOf(flow.trafficDirection);
        const { values } = requests;
        labels.writeSwapped(flow, values, 0);
        values[at] = method;
        values[at + 1] = protocol;
        values[at + 2] = code;
        values[at + 3] = reporter;
        requests.add(1, exemplar.of(flow, 1));
        labels.writeSwapped(flow, duration.values, 0);
        duration.values[at] = method;
        duration.values[at + 1] = reporter;
        const seconds = secondsOf(l7.latencyNs);
        duration.observe(seconds, exemplar.of(flow, seconds));
      },
    };
  },
};

/** Go divides the nanoseconds as a float64. */
export function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}

interface Exemplars {
  readonly reads: readonly string[];
  readonly of: (flow: Flow, value: number) => Exemplar | undefined;
}

/** The exemplars of a metric: the trace of a flow, if the configuration wants them. */
function exemplarsOf({ has, now }: HandlerContext): Exemplars {
  if (!has("exemplars")) return { reads: [], of: () => undefined };
  return {
    reads: ["trace_context.parent.trace_id"],
    of: ({ traceContext }, value) => exemplarOf(traceContext?.parent?.traceId ?? "", value, now()),
  };
}
