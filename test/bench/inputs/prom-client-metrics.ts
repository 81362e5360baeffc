// The usual metrics as one would write them with prom-client: its counters and histograms, an object of labels for each increment.
import { Counter, Histogram, Registry } from "prom-client";
import { type Flow, IPVersion, L7FlowType, TrafficDirection, Verdict } from "../../../dist/proto.js";

interface PromClientMetrics {
  observe(flow: Flow): void;
}

type Observe = (flow: Flow) => void;

const LABELS = [
  ...["source_ip", "source_namespace", "source_workload"],
  ...["destination_ip", "destination_namespace", "destination_workload", "traffic_direction"],
] as const;

/** Creates the metrics of a configuration with the names of the usual set; only httpV2 has labels of contexts. */
export function createPromClientMetrics(text: string): PromClientMetrics {
  const registry = new Registry();
  const observers = text.split(" ").map((entry) => {
    const [name = "", options] = entry.split(":");
    return CREATE[name]!(registry, options !== undefined);
  });
  return {
    observe(flow) {
      for (const observe of observers) observe(flow);
    },
  };
}

function counter<Label extends string>(registry: Registry, name: string, labelNames: readonly Label[]) {
  return new Counter({
    name: `hubble_${name}`,
    help: name,
    labelNames: [...labelNames],
    registers: [registry],
  });
}

const passed = ({ verdict }: Flow) => verdict === Verdict.FORWARDED || verdict === Verdict.REDIRECTED;

function protocolOf({ eventType, l4, l7 }: Flow): string {
  if (eventType?.type === 129) return l7?.record.case?.toUpperCase() ?? "Unknown L7";
  return l4?.protocol.case ?? "Unknown L4";
}

const CREATE: Readonly<Record<string, (registry: Registry, hasLabels: boolean) => Observe>> = {
  dns(registry) {
    const queries = counter(registry, "dns_queries_total", ["rcode", "qtypes", "ips_returned"]);
    const responses = counter(registry, "dns_responses_total", ["rcode", "qtypes", "ips_returned"]);
    const types = counter(registry, "dns_response_types_total", ["type", "qtypes"]);
    return ({ l7, isReply, verdict }) => {
      if (l7?.record.case !== "dns") return;
      const dns = l7.record.value;
      const qtypes = dns.qtypes.join(",");
      if (verdict === Verdict.DROPPED || isReply !== true) {
        const rcode = verdict === Verdict.DROPPED ? "Policy denied" : "";
        queries.inc({ rcode, qtypes, ips_returned: dns.ips.length });
        return;
      }
      responses.inc({ rcode: String(dns.rcode), qtypes, ips_returned: dns.ips.length });
      for (const type of dns.rrtypes) types.inc({ type, qtypes });
    };
  },
  drop(registry) {
    const drops = counter(registry, "drop_total", ["reason", "protocol"]);
    return (flow) => {
      if (flow.verdict !== Verdict.DROPPED) return;
      drops.inc({ reason: String(flow.dropReasonDesc), protocol: protocolOf(flow) });
    };
  },
  tcp(registry) {
    const flags = counter(registry, "tcp_flags_total", ["flag", "family"]);
    return (flow) => {
      if (!passed(flow) || flow.l4?.protocol.case !== "TCP" || flow.IP === undefined) return;
      const { FIN, SYN, RST, ACK } = flow.l4.protocol.value.flags ?? {};
      const family = IPVersion[flow.IP.ipVersion] ?? "";
      if (FIN) flags.inc({ flag: "FIN", family });
      if (SYN) flags.inc({ flag: ACK ? "SYN-ACK" : "SYN", family });
      if (RST) flags.inc({ flag: "RST", family });
    };
  },
  flow(registry) {
    const flows = counter(registry, "flows_processed_total", ["protocol", "type", "subtype", "verdict"]);
    return (flow) => {
      flows.inc({
        protocol: protocolOf(flow),
        type: String(flow.eventType?.type),
        subtype: flow.eventType?.type === 4 ? String(flow.eventType.subType) : "",
        verdict: Verdict[flow.verdict] ?? "",
      });
    };
  },
  "port-distribution"(registry) {
    const ports = counter(registry, "port_distribution_total", ["protocol", "port"]);
    return (flow) => {
      if (!passed(flow) || flow.isReply !== false) return;
      const layer = flow.l4?.protocol;
      switch (layer?.case) {
        case "TCP":
        case "UDP":
        case "SCTP":
          ports.inc({ protocol: layer.case, port: layer.value.destinationPort });
          break;
        case "ICMPv4":
        case "ICMPv6":
          ports.inc({ protocol: layer.case, port: 0 });
      }
    };
  },
  icmp(registry) {
    const messages = counter(registry, "icmp_total", ["family", "type"]);
    return ({ l4 }) => {
      if (l4?.protocol.case !== "ICMPv4" && l4?.protocol.case !== "ICMPv6") return;
      const { type, code } = l4.protocol.value;
      messages.inc({ family: "IPv4", type: `${type}(${code})` });
    };
  },
  httpV2(registry, hasLabels) {
    const labels = hasLabels ? LABELS : [];
    const own = ["method", "protocol", "status", "reporter"] as const;
    const requests = counter(registry, "http_requests_total", [...labels, ...own]);
    const duration = new Histogram({
      name: "hubble_http_request_duration_seconds",
      help: "duration",
      labelNames: [...labels, "method", "reporter"],
      registers: [registry],
    });
    return (flow) => {
      if (flow.l7?.record.case !== "http" || flow.l7.type !== L7FlowType.RESPONSE) return;
      const { method, protocol, code } = flow.l7.record.value;
      const { source, destination, IP, trafficDirection } = flow;
      const reporter = trafficDirection === TrafficDirection.EGRESS ? "client" : "server";
      const context = hasLabels && {
        source_ip: IP?.destination ?? "",
        source_namespace: destination?.namespace ?? "",
        source_workload: destination?.workloads[0]?.name ?? "",
        destination_ip: IP?.source ?? "",
        destination_namespace: source?.namespace ?? "",
        destination_workload: source?.workloads[0]?.name ?? "",
        traffic_direction: TrafficDirection[trafficDirection]?.toLowerCase() ?? "",
      };
      requests.inc({ ...context, method, protocol, status: code, reporter });
      duration.observe({ ...context, method, reporter }, Number(flow.l7.latencyNs) / 1e9);
    };
  },
};
