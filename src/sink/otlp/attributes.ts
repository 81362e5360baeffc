import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { FlatValue } from "../../observer/flat/column.js";
import { FLOW_COLUMNS } from "../../observer/flat/flow-columns.js";

/** The value of an attribute. */
export type OtlpValue = FlatValue | bigint;

/** Returns the value of an attribute for an event; undefined if it has none. */
export type OtlpAttribute = (event: GetFlowsResponse | ExportEvent) => OtlpValue | undefined;

/** Attributes by name. */
export type OtlpAttributes = Readonly<Record<string, OtlpAttribute>>;

type Side = "source" | "destination";

function columnOf(name: keyof typeof FLOW_COLUMNS): OtlpAttribute {
  return FLOW_COLUMNS[name].value;
}

/** The value of a column as a string, changed. */
function mapped(
  name: keyof typeof FLOW_COLUMNS,
  change: (value: string) => string | undefined,
): OtlpAttribute {
  const { value } = FLOW_COLUMNS[name];
  return (event) => {
    const one = value(event);
    return one === undefined ? undefined : change(String(one));
  };
}

/** A constant, for events that have a value in a column. */
function ifPresent(name: keyof typeof FLOW_COLUMNS, constant: string): OtlpAttribute {
  return mapped(name, () => constant);
}

/** The endpoint of one side. The conventions of Kubernetes know one subject only, hence the prefix. */
function endpoint<S extends Side>(side: S) {
  return {
    [`${side}.address`]: columnOf(`${side}_ip`),
    [`${side}.port`]: columnOf(`${side}_port`),
    [`${side}.k8s.cluster.name`]: columnOf(`${side}_cluster`),
    [`${side}.k8s.namespace.name`]: columnOf(`${side}_namespace`),
    [`${side}.k8s.pod.name`]: columnOf(`${side}_pod`),
    [`hubble.${side}.workload.name`]: columnOf(`${side}_workload`),
    [`hubble.${side}.workload.kind`]: columnOf(`${side}_workload_kind`),
    [`hubble.${side}.service.name`]: columnOf(`${side}_service`),
    [`hubble.${side}.service.namespace`]: columnOf(`${side}_service_namespace`),
    [`hubble.${side}.names`]: columnOf(`${side}_names`),
    [`cilium.${side}.identity`]: columnOf(`${side}_identity`),
    [`cilium.${side}.endpoint.id`]: columnOf(`${side}_endpoint_id`),
    [`cilium.${side}.labels`]: columnOf(`${side}_labels`),
  } satisfies OtlpAttributes;
}

/** Protocols that the conventions count as transports. */
const TRANSPORTS: Readonly<Record<string, string>> = { TCP: "tcp", UDP: "udp", SCTP: "sctp" };

const httpVersion = mapped("http_protocol", (protocol) => /^HTTP\/(.+)$/.exec(protocol)?.[1]);

/** The layer 7 protocol of a flow. */
const applicationProtocol: OtlpAttribute = ({ responseTypes }) =>
  responseTypes.case === "flow" ? responseTypes.value.l7?.record.case : undefined;

/**
 * The attributes of log records: OpenTelemetry's semantic conventions where they have a name, and names below `hubble.` and
 * `cilium.` for the rest. Programs may pass a changed copy.
 *
 * @example
 * const attributes = { ...OTLP_ATTRIBUTES, "deployment.environment.name": () => "production" };
 */
export const OTLP_ATTRIBUTES: OtlpAttributes = {
  "log.record.uid": columnOf("uuid"),
  "network.transport": mapped("protocol", (protocol) => TRANSPORTS[protocol]),
  "network.type": mapped("ip_version", (version) => version.toLowerCase()),
  "network.interface.name": columnOf("interface"),
  "network.protocol.name": applicationProtocol,
  "network.protocol.version": httpVersion,
  ...endpoint("source"),
  ...endpoint("destination"),
  "http.request.method": columnOf("http_method"),
  "http.response.status_code": columnOf("http_code"),
  "url.full": columnOf("http_url"),
  // The conventions have names without the dot of the root.
  "dns.question.name": mapped("dns_query", (query) => query.replace(/(.)\.$/, "$1")),
  "dns.answers": columnOf("dns_ips"),
  "messaging.system": ifPresent("kafka_topic", "kafka"),
  "messaging.destination.name": columnOf("kafka_topic"),
  "hubble.event.kind": columnOf("event"),
  "hubble.flow.type": columnOf("type"),
  "hubble.verdict": columnOf("verdict"),
  "hubble.drop_reason": columnOf("drop_reason"),
  "hubble.traffic_direction": columnOf("traffic_direction"),
  "hubble.is_reply": columnOf("is_reply"),
  "hubble.protocol": columnOf("protocol"),
  "hubble.tcp.flags": columnOf("tcp_flags"),
  "hubble.icmp.type": columnOf("icmp_type"),
  "hubble.icmp.code": columnOf("icmp_code"),
  "hubble.l7.type": columnOf("l7_type"),
  "hubble.l7.latency_ns": columnOf("l7_latency_ns"),
  "hubble.dns.rcode": columnOf("dns_rcode"),
  "hubble.dns.query_types": columnOf("dns_qtypes"),
  "hubble.trace.observation_point": columnOf("trace_observation_point"),
  "hubble.trace.reason": columnOf("trace_reason"),
  "hubble.lost_events.count": columnOf("lost_events"),
  "hubble.lost_events.source": columnOf("lost_events_source"),
  "cilium.auth_type": columnOf("auth_type"),
  "cilium.event.type": columnOf("event_type"),
  "cilium.event.sub_type": columnOf("event_sub_type"),
  "cilium.is_encrypted": columnOf("is_encrypted"),
  "cilium.proxy.port": columnOf("proxy_port"),
  "cilium.egress.allowed_by": columnOf("egress_allowed_by"),
  "cilium.egress.denied_by": columnOf("egress_denied_by"),
  "cilium.ingress.allowed_by": columnOf("ingress_allowed_by"),
  "cilium.ingress.denied_by": columnOf("ingress_denied_by"),
};
