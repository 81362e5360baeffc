import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  AuthType,
  DebugCapturePoint,
  type DNS,
  DropReason,
  type Flow,
  FlowType,
  type HTTP,
  IPVersion,
  type Kafka,
  L7FlowType,
  type Layer4,
  LostEventSource,
  type Policy,
  SocketTranslationPoint,
  type TCPFlags,
  TraceObservationPoint,
  TraceReason,
  TrafficDirection,
  Tunnel_Protocol,
  Verdict,
} from "../../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import type { EventKind } from "../events/encoded-event.js";
import {
  column,
  enumColumn,
  type FlatColumn,
  type FlatColumns,
  nullable,
  toFlatInteger,
  uint64,
} from "./column.js";
import { DESTINATION, prefixed, SOURCE } from "./endpoint-columns.js";

type Envelope = GetFlowsResponse | ExportEvent;

/** Columns of events of every kind. */
const EVENT: Readonly<Record<"time" | "event" | "node_name", FlatColumn>> = {
  time: { type: "time", value: (event) => formatTime(event.time ?? flowOf(event)?.time) },
  event: { type: "enum", value: ({ responseTypes }) => KINDS[responseTypes.case ?? "none"] },
  node_name: { type: "enum", value: (event) => event.nodeName || flowOf(event)?.nodeName || undefined },
};

const KINDS: Readonly<Record<NonNullable<ExportEvent["responseTypes"]["case"]> | "none", EventKind>> = {
  flow: "flow",
  nodeStatus: "node_status",
  lostEvents: "lost_events",
  agentEvent: "agent_event",
  debugEvent: "debug_event",
  none: "none",
};

const VERDICT = {
  uuid: column("string", ({ uuid }) => uuid),
  verdict: enumColumn(Verdict, ({ verdict }) => verdict),
  drop_reason: enumColumn(DropReason, ({ dropReasonDesc }) => dropReasonDesc),
  type: enumColumn(FlowType, ({ Type }) => Type),
  traffic_direction: enumColumn(TrafficDirection, ({ trafficDirection }) => trafficDirection),
  is_reply: nullable("bool", ({ isReply }) => isReply),
  auth_type: enumColumn(AuthType, ({ authType }) => authType),
  policy_match_type: column("uint32", ({ policyMatchType }) => policyMatchType),
  egress_allowed_by: column("strings", ({ egressAllowedBy }) => namesOf(egressAllowedBy)),
  ingress_allowed_by: column("strings", ({ ingressAllowedBy }) => namesOf(ingressAllowedBy)),
  egress_denied_by: column("strings", ({ egressDeniedBy }) => namesOf(egressDeniedBy)),
  ingress_denied_by: column("strings", ({ ingressDeniedBy }) => namesOf(ingressDeniedBy)),
  policy_log: column("strings", ({ policyLog }) => policyLog),
} satisfies FlatColumns;

const PACKET = {
  source_mac: column("string", ({ ethernet }) => ethernet?.source),
  destination_mac: column("string", ({ ethernet }) => ethernet?.destination),
  ip_version: enumColumn(IPVersion, ({ IP }) => IP?.ipVersion),
  source_ip: column("string", ({ IP }) => IP?.source),
  source_ip_xlated: column("string", ({ IP }) => IP?.sourceXlated),
  destination_ip: column("string", ({ IP }) => IP?.destination),
  is_encrypted: column("bool", ({ IP }) => IP?.encrypted || undefined),
  protocol: column("enum", ({ l4 }) => l4?.protocol.case),
  source_port: column("uint16", ({ l4 }) => portsOf(l4)?.sourcePort),
  destination_port: column("uint16", ({ l4 }) => portsOf(l4)?.destinationPort),
  tcp_flags: column("strings", ({ l4 }) =>
    l4?.protocol.case === "TCP" ? flagsOf(l4.protocol.value.flags) : undefined,
  ),
  icmp_type: nullable("uint8", ({ l4 }) => icmpOf(l4)?.type),
  icmp_code: nullable("uint8", ({ l4 }) => icmpOf(l4)?.code),
  tunnel_protocol: enumColumn(Tunnel_Protocol, ({ tunnel }) => tunnel?.protocol),
  tunnel_source_ip: column("string", ({ tunnel }) => tunnel?.IP?.source),
  tunnel_destination_ip: column("string", ({ tunnel }) => tunnel?.IP?.destination),
  tunnel_vni: column("uint32", ({ tunnel }) => tunnel?.vni),
} satisfies FlatColumns;

const LAYER_7 = {
  l7_type: enumColumn(L7FlowType, ({ l7 }) => l7?.type),
  l7_latency_ns: uint64(({ l7 }) => l7?.latencyNs),
  http_method: column("enum", (flow) => httpOf(flow)?.method),
  http_url: column("string", (flow) => httpOf(flow)?.url),
  http_protocol: column("enum", (flow) => httpOf(flow)?.protocol),
  http_code: column("uint16", (flow) => httpOf(flow)?.code),
  http_headers: column("strings", (flow) =>
    httpOf(flow)?.headers.map(({ key, value }) => `${key}: ${value}`),
  ),
  dns_query: column("string", (flow) => dnsOf(flow)?.query),
  dns_ips: column("strings", (flow) => dnsOf(flow)?.ips),
  dns_ttl: column("uint32", (flow) => dnsOf(flow)?.ttl),
  dns_cnames: column("strings", (flow) => dnsOf(flow)?.cnames),
  dns_observation_source: column("enum", (flow) => dnsOf(flow)?.observationSource),
  dns_rcode: nullable("uint16", (flow) => dnsOf(flow)?.rcode),
  dns_qtypes: column("strings", (flow) => dnsOf(flow)?.qtypes),
  dns_rrtypes: column("strings", (flow) => dnsOf(flow)?.rrtypes),
  kafka_error_code: nullable("int32", (flow) => kafkaOf(flow)?.errorCode),
  kafka_api_version: nullable("int32", (flow) => kafkaOf(flow)?.apiVersion),
  kafka_api_key: column("enum", (flow) => kafkaOf(flow)?.apiKey),
  kafka_correlation_id: nullable("int32", (flow) => kafkaOf(flow)?.correlationId),
  kafka_topic: column("string", (flow) => kafkaOf(flow)?.topic),
} satisfies FlatColumns;

const TRACE = {
  event_type: nullable("int32", ({ eventType }) => eventType?.type),
  event_sub_type: nullable("int32", ({ eventType }) => eventType?.subType),
  trace_observation_point: enumColumn(TraceObservationPoint, (flow) => flow.traceObservationPoint),
  debug_capture_point: enumColumn(DebugCapturePoint, (flow) => flow.debugCapturePoint),
  trace_reason: enumColumn(TraceReason, ({ traceReason }) => traceReason),
  trace_id: column("string", ({ traceContext }) => traceContext?.parent?.traceId),
  ip_trace_id: uint64(({ ipTraceId }) => ipTraceId?.traceId),
  interface: column("enum", ({ interface: one }) => one?.name),
  interface_index: column("uint32", ({ interface: one }) => one?.index),
  proxy_port: column("uint16", ({ proxyPort }) => proxyPort),
  socket_translation: enumColumn(SocketTranslationPoint, ({ sockXlatePoint }) => sockXlatePoint),
  socket_cookie: uint64(({ socketCookie }) => socketCookie),
  cgroup_id: uint64(({ cgroupId }) => cgroupId),
  file_name: column("enum", ({ file }) => file?.name),
  file_line: column("uint32", ({ file }) => file?.line),
  node_labels: column("strings", ({ nodeLabels }) => nodeLabels),
  emitter: column("enum", ({ emitter }) => emitter?.name),
  ingress_flow_count: column("uint32", ({ aggregate }) => aggregate?.ingressFlowCount),
  egress_flow_count: column("uint32", ({ aggregate }) => aggregate?.egressFlowCount),
  unknown_direction_flow_count: column("uint32", ({ aggregate }) => aggregate?.unknownDirectionFlowCount),
} satisfies FlatColumns;

const LOST: Readonly<Record<"lost_events" | "lost_events_source", FlatColumn>> = {
  lost_events: { type: "uint64", value: (event) => toFlatInteger(lostOf(event)?.numEventsLost) },
  lost_events_source: { type: "enum", value: (event) => lostSourceOf(event) },
};

/**
 * The columns of {@link flattenEvent}: what flows have, by the names of the fields of `flow.Flow`. Lost events fill
 * `lost_events` and `lost_events_source`. Repeated messages are reduced to names: policies to `namespace/name`, workloads to
 * the first one. Extensions and the deprecated fields are not in the table.
 *
 * @example
 * const columns = { ...FLOW_COLUMNS, cluster: { type: "enum", value: () => "west" } } satisfies FlatColumns;
 */
export const FLOW_COLUMNS = {
  ...EVENT,
  ...VERDICT,
  ...PACKET,
  ...prefixed("source", SOURCE),
  ...prefixed("destination", DESTINATION),
  ...LAYER_7,
  ...TRACE,
  ...LOST,
} satisfies FlatColumns;

/** With nanoseconds always, so that the strings sort like the times. Undefined for a time that has no such form. */
function formatTime(time: Timestamp | undefined): string | undefined {
  if (time === undefined) return undefined;
  const { seconds, nanos } = time;
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS) return undefined;
  if (!(nanos >= 0 && nanos <= 999_999_999)) return undefined;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, "2026-01-01T00:00:00".length);
  return `${whole}.${String(nanos).padStart(9, "0")}Z`;
}

function flowOf({ responseTypes }: Envelope): Flow | undefined {
  return responseTypes.case === "flow" ? responseTypes.value : undefined;
}

function lostOf({ responseTypes }: Envelope) {
  return responseTypes.case === "lostEvents" ? responseTypes.value : undefined;
}

function lostSourceOf(event: Envelope): string | undefined {
  const source = lostOf(event)?.source;
  return source === undefined ? undefined : (LostEventSource[source] ?? String(source));
}

function portsOf(l4: Layer4 | undefined) {
  const protocol = l4?.protocol;
  switch (protocol?.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return protocol.value;
    default:
      return undefined;
  }
}

function icmpOf(l4: Layer4 | undefined) {
  const protocol = l4?.protocol;
  return protocol?.case === "ICMPv4" || protocol?.case === "ICMPv6" ? protocol.value : undefined;
}

const FLAGS = ["SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"] as const;

function flagsOf(flags: TCPFlags | undefined): string[] {
  return FLAGS.filter((flag) => flags?.[flag] === true);
}

function httpOf({ l7 }: Flow): HTTP | undefined {
  return l7?.record.case === "http" ? l7.record.value : undefined;
}

function dnsOf({ l7 }: Flow): DNS | undefined {
  return l7?.record.case === "dns" ? l7.record.value : undefined;
}

function kafkaOf({ l7 }: Flow): Kafka | undefined {
  return l7?.record.case === "kafka" ? l7.record.value : undefined;
}

function namesOf(policies: readonly Policy[]): string[] {
  return policies.map(({ namespace, name }) => (namespace === "" ? name : `${namespace}/${name}`));
}
