// A second implementation of Hubble's metrics, which shares no code with src/metrics: it reads flows in their JSON form, and
// sums observations by the text of their labels.
import { toJson } from "@bufbuild/protobuf";
// Its own tests compare the names with gopacket's.
import { icmpv4Name, icmpv6Name } from "../../src/packet/flow/icmp-name.js";
import { type Flow, FlowSchema } from "../../src/proto.js";

// biome-ignore lint/suspicious/noExplicitAny: the fields of a flow, of which each metric reads others
type Json = { readonly [name: string]: any };

/** Values by series, such as `hubble_drop_total{protocol="TCP",reason="POLICY_DENIED"}`. */
export type Totals = ReadonlyMap<string, number>;

/** Counts flows by the metrics of a text like that of `--hubble-metrics`. */
export function naiveTotals(text: string, flows: readonly Flow[]): Totals {
  const totals = new Map<string, number>();
  const metrics = text.split(" ").map(parse);
  for (const flow of flows) {
    const json = jsonOf(flow);
    for (const { name, options } of metrics) {
      for (const { metric, labels, value } of OBSERVE[name]!(json, options)) {
        const swaps = name === "httpV2";
        const all = { ...labels, ...contextLabels(json, options, swaps) };
        const add = (suffix: string, extra: Record<string, string>, amount: number) => {
          const series = seriesText(`${metric}${suffix}`, { ...all, ...extra });
          totals.set(series, (totals.get(series) ?? 0) + amount);
        };
        if (value === undefined) {
          add("", {}, 1);
          continue;
        }
        for (const le of [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]) {
          add("_bucket", { le: `${le}` }, value <= le ? 1 : 0);
        }
        add("_bucket", { le: "+Inf" }, 1);
        add("_sum", {}, value);
        add("_count", {}, 1);
      }
    }
  }
  return totals;
}

const jsons = new WeakMap<Flow, Json>();

function jsonOf(flow: Flow): Json {
  const json = jsons.get(flow) ?? (toJson(FlowSchema, flow, { useProtoFieldName: true }) as Json);
  jsons.set(flow, json);
  return json;
}

/** A series as text, with its labels in alphabetical order. */
export function seriesText(metric: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${metric}{${sorted.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}}`;
}

interface Observation {
  readonly metric: string;
  readonly labels: Record<string, string>;
  /** Of a histogram. */
  readonly value?: number;
}

type Options = Readonly<Record<string, string>>;

function parse(entry: string): { name: string; options: Options } {
  const [name = "", ...rest] = entry.split(":");
  const options = rest
    .join(":")
    .split(";")
    .filter((option) => option !== "")
    .map((option): [string, string] => [option.split("=")[0]!.toLowerCase(), option.split("=")[1] ?? ""]);
  return { name, options: Object.fromEntries(options) };
}

const count = (metric: string, labels: Record<string, unknown>): Observation => ({
  metric: `hubble_${metric}`,
  labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, `${value}`])),
});

const seconds = (metric: string, labels: Record<string, unknown>, latency: string | undefined) => ({
  ...count(metric, labels),
  value: Number(latency ?? 0) / 1e9,
});

const OBSERVE: Readonly<Record<string, (flow: Json, options: Options) => Observation[]>> = {
  drop: (flow) => {
    if (verdictOf(flow) !== "DROPPED") return [];
    const reason = flow.drop_reason_desc ?? "DROP_REASON_UNKNOWN";
    return [count("drop_total", { reason, protocol: protocol(flow) })];
  },
  flow: (flow) => {
    const type = flow.event_type?.type ?? 0;
    const known: Record<number, [string, string]> = {
      1: ["Drop", ""],
      3: ["Capture", ""],
      4: ["Trace", POINTS[(flow.event_type?.sub_type ?? 0) & 255] ?? ""],
      5: ["PolicyVerdict", ""],
      129: ["L7", layer7(flow)],
    };
    const [name, subtype] = known[type] ?? ["Unknown", `${type}`];
    return [
      count("flows_processed_total", {
        protocol: protocol(flow),
        type: name,
        subtype,
        verdict: verdictOf(flow),
      }),
    ];
  },
  dns: (flow, options) => {
    const dns = flow.l7?.dns;
    if (dns === undefined) return [];
    const { qtypes: types = [], ips = [], rrtypes = [] } = dns;
    if ("ignoreaaaa" in options && types.join() === "AAAA") return [];
    const query = "query" in options ? { query: dns.query ?? "" } : {};
    const qtypes = types.join(",");
    const labels = { qtypes, ips_returned: ips.length, ...query };
    if (verdictOf(flow) === "DROPPED")
      return [count("dns_queries_total", { ...labels, rcode: "Policy denied" })];
    if (flow.is_reply !== true) return [count("dns_queries_total", { ...labels, rcode: "" })];
    return [
      count("dns_responses_total", { ...labels, rcode: RCODES[dns.rcode ?? 0] ?? "" }),
      ...rrtypes.map((type: string) => count("dns_response_types_total", { type, qtypes, ...query })),
    ];
  },
  http: (flow) => {
    const { http, type, latency_ns } = flow.l7 ?? {};
    if (http === undefined) return [];
    const { method = "", protocol = "", code = 0 } = http;
    const labels = { method, reporter: reporter(flow) };
    if (type === "REQUEST") return [count("http_requests_total", { ...labels, protocol })];
    if (type !== "RESPONSE") return [];
    return [
      count("http_responses_total", { ...labels, protocol, status: code }),
      seconds("http_request_duration_seconds", labels, latency_ns),
    ];
  },
  httpV2: (flow) => {
    const { http, type, latency_ns } = flow.l7 ?? {};
    if (http === undefined || type !== "RESPONSE") return [];
    const { method = "", protocol = "", code = 0 } = http;
    const labels = { method, reporter: reporter(flow) };
    return [
      count("http_requests_total", { ...labels, protocol, status: code }),
      seconds("http_request_duration_seconds", labels, latency_ns),
    ];
  },
  icmp: ({ l4 = {} }) => {
    const found = l4.ICMPv4 ?? l4.ICMPv6;
    if (found === undefined) return [];
    const nameOf = l4.ICMPv4 ? icmpv4Name : icmpv6Name;
    const type = nameOf((found.type ?? 0) & 255, (found.code ?? 0) & 255);
    return [count("icmp_total", { family: "IPv4", type })];
  },
  tcp: (flow) => {
    const flags = flow.l4?.TCP?.flags;
    if (!passed(flow) || flow.IP === undefined || flags === undefined) return [];
    const names = [];
    if (flags.FIN) names.push("FIN");
    if (flags.SYN) names.push(flags.ACK ? "SYN-ACK" : "SYN");
    if (flags.RST) names.push("RST");
    return names.map((flag) =>
      count("tcp_flags_total", { flag, family: flow.IP.ipVersion ?? "IP_NOT_USED" }),
    );
  },
  "port-distribution": (flow) => {
    if (!passed(flow) || flow.is_reply !== false) return [];
    for (const name of ["TCP", "UDP", "SCTP"]) {
      const found = flow.l4?.[name];
      if (found)
        return [count("port_distribution_total", { protocol: name, port: found.destination_port ?? 0 })];
    }
    for (const name of ["ICMPv4", "ICMPv6"]) {
      if (flow.l4?.[name]) return [count("port_distribution_total", { protocol: name, port: 0 })];
    }
    return [];
  },
  "flows-to-world": (flow, options) => {
    const { l4, event_type, destination } = flow;
    if (l4 === undefined || event_type === undefined) return [];
    if (!(destination?.labels ?? []).includes("reserved:world")) return [];
    const isDropped = verdictOf(flow) === "DROPPED";
    if (isDropped && !("any-drop" in options) && flow.drop_reason_desc !== "POLICY_DENIED") return [];
    if (!isDropped && flow.is_reply === true) return [];
    if ("syn-only" in options && (flow.is_reply === true || !l4.TCP?.flags?.SYN)) return [];
    const ports = ["TCP", "UDP", "SCTP"]
      .filter((name) => l4[name])
      .map((name) => l4[name].destination_port ?? 0);
    return [
      count("flows_to_world_total", {
        protocol: protocol(flow),
        verdict: verdictOf(flow),
        ...("port" in options && { port: ports[0] ?? "" }),
      }),
    ];
  },
  kafka: (flow) => {
    const { kafka, type, latency_ns } = flow.l7 ?? {};
    if (kafka === undefined || type !== "REQUEST") return [];
    const labels = { topic: kafka.topic ?? "", api_key: kafka.api_key ?? "", reporter: reporter(flow) };
    return [
      count("kafka_requests_total", { ...labels, error_code: kafka.error_code ?? 0 }),
      seconds("kafka_request_duration_seconds", labels, latency_ns),
    ];
  },
  policy: (flow) => {
    const type = flow.event_type?.type;
    if (type !== 5 && type !== 129) return [];
    if (type === 5 && flow.source?.identity === 1) return [];
    const direction = `${flow.traffic_direction ?? "TRAFFIC_DIRECTION_UNKNOWN"}`.toLowerCase();
    const names = ["none", "l3-only", "l3-l4", "l4-only", "all", "l3-proto", "proto-only"];
    const match = type === 129 ? `l7/${layer7(flow).toLowerCase()}` : names[flow.policy_match_type ?? 0];
    const action = `${verdictOf(flow)}`.toLowerCase();
    return [count("policy_verdicts_total", { direction, match: match ?? "unknown", action })];
  },
};

const POINTS = [
  "to-endpoint to-proxy to-host to-stack to-overlay from-endpoint from-proxy from-host",
  "from-stack from-overlay from-network to-network",
].flatMap((line) => line.split(" "));

const RCODES: Record<number, string> = {
  ...{
    0: "No Error",
    1: "Format Error",
    2: "Server Failure",
    3: "Non-Existent Domain",
    4: "Not Implemented",
  },
  ...{ 5: "Query Refused", 6: "Name Exists when it should not", 7: "RR Set Exists when it should not" },
  ...{ 8: "RR Set that should exist does not", 9: "Not Authorized", 10: "Name not contained in zone" },
  ...{ 11: "DSO-TYPE Not Implemented", 16: "Bad OPT Version", 17: "Key not recognized" },
  ...{ 18: "Signature out of time window", 19: "Bad TKEY Mode", 20: "Duplicate key name" },
  ...{ 21: "Algorithm not supported", 22: "Bad Truncation", 23: "Bad/missing Server Cookie" },
};

const verdictOf = (flow: Json) => flow.verdict ?? "VERDICT_UNKNOWN";
const passed = (flow: Json) => ["FORWARDED", "REDIRECTED"].includes(verdictOf(flow));

function layer7({ l7 = {} }: Json): string {
  return l7.dns ? "DNS" : l7.http ? "HTTP" : l7.kafka ? "Kafka" : "";
}

function protocol(flow: Json): string {
  const type = flow.event_type?.type ?? 0;
  if (type === 129) return layer7(flow) || "Unknown L7";
  if (![1, 3, 4, 5].includes(type)) return "Unknown flow";
  return ["TCP", "UDP", "ICMPv4", "ICMPv6", "SCTP"].find((name) => flow.l4?.[name]) ?? "Unknown L4";
}

function reporter({ traffic_direction }: Json): string {
  return traffic_direction === "EGRESS" ? "client" : traffic_direction === "INGRESS" ? "server" : "unknown";
}

function contextLabels(flow: Json, options: Options, swaps: boolean): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const label of (options.labelscontext ?? "").split(",").filter((one) => one !== "")) {
    const [side, ...field] = label.split("_") as [string, ...string[]];
    if (side === "traffic") {
      const direction = flow.traffic_direction ?? "unknown";
      labels[label] = direction === "TRAFFIC_DIRECTION_UNKNOWN" ? "unknown" : `${direction}`.toLowerCase();
      continue;
    }
    const end = swaps ? (side === "source" ? "destination" : "source") : side;
    const context = { workload: "workload-name", pod: "pod-name" }[field.join("_")] ?? field.join("_");
    labels[label] = contextValue(flow, end, context);
  }
  const values = ["source", "destination"].map((side) => {
    const given = { INGRESS: `${side}ingresscontext`, EGRESS: `${side}egresscontext` };
    const ofDirection = given[flow.traffic_direction as keyof typeof given];
    const list = options[ofDirection ?? ""] ?? options[`${side}context`] ?? "";
    const found = list.split("|").map((context) => contextValue(flow, side, context.toLowerCase()));
    return found.find((value) => value !== "") ?? "";
  }) as [string, string];
  if (swaps) values.reverse();
  const hasLabel = (side: string) =>
    ["", "egress", "ingress"].some((part) => `${side}${part}context` in options);
  if (hasLabel("source")) labels.source = values[0];
  if (hasLabel("destination")) labels.destination = values[1];
  return labels;
}

function contextValue(flow: Json, side: string, context: string): string {
  const end = flow[side] ?? {};
  const labels: string[] = end.labels ?? [];
  const workload = end.workloads?.[0];
  const withNamespace = (name: string) => (end.namespace ? `${end.namespace}/${name}` : name);
  switch (context) {
    case "":
      return "";
    case "identity":
      return labels.join(",");
    case "namespace":
      return end.namespace ?? "";
    case "pod":
      return withNamespace(end.pod_name ?? "");
    case "pod-name":
      return end.pod_name ?? "";
    case "dns":
      return (flow[`${side}_names`] ?? []).join(",");
    case "ip":
      return flow.IP?.[side] ?? "";
    case "reserved-identity": {
      const reserved = labels.filter((label) => label.startsWith("reserved:"));
      return reserved.find((label) => label.endsWith(":kube-apiserver")) ?? reserved[0] ?? "";
    }
    case "workload":
      return workload === undefined ? "" : withNamespace(workload.name ?? "");
    case "workload-name":
      return workload?.name ?? "";
    case "workload_kind":
      return workload?.kind ?? "";
    case "app": {
      const match = labels
        .map((label) => /^k8s:(?:app\.kubernetes\.io\/name|k8s-app|app)=(.+)$/s.exec(label))
        .find((found) => found !== null);
      return match?.[1] ?? "";
    }
    default:
      throw new Error(`no context ${context}`);
  }
}
