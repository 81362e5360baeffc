// What each metric counts, written by hand from the rules of Hubble's handlers.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { createFlowMetrics } from "../../src/metrics/index.js";
import {
  DropReason,
  type Flow,
  FlowSchema,
  IPVersion,
  L7FlowType,
  TrafficDirection,
  Verdict,
} from "../../src/proto.js";

type Init = Exclude<MessageInitShape<typeof FlowSchema>, Flow>;
type Layer4 = NonNullable<NonNullable<Init["l4"]>["protocol"]>;

const flow = (init: Init): Flow => create(FlowSchema, init);
const event = (type: number, subType = 0) => ({ eventType: { type, subType } });
const layer4 = (protocol: Layer4) => ({ l4: { protocol } });
const toPort = (destinationPort: number) => layer4({ case: "TCP", value: { destinationPort } });
const FLAGS = { SYN: false, ACK: false, FIN: false, RST: false };
const withFlags = (flags: Partial<typeof FLAGS>) => ({
  ...layer4({ case: "TCP", value: { destinationPort: 443, flags: { ...FLAGS, ...flags } } }),
  IP: { ipVersion: IPVersion.IPv4 },
});
const DROP = event(1);
const TRACE = event(4);
const L7 = event(129);
const { FORWARDED, DROPPED, REDIRECTED, AUDIT, TRACED } = Verdict;
const { REQUEST, RESPONSE, SAMPLE } = L7FlowType;
const { INGRESS, EGRESS } = TrafficDirection;

const dns = (value: object, rest: Init = {}) =>
  flow({ ...L7, verdict: FORWARDED, l7: { type: REQUEST, record: { case: "dns", value } }, ...rest });
const answer = (value: object, rest: Init = {}) => dns(value, { isReply: true, ...rest });
const http = (type: L7FlowType, code: number, rest: Init = {}) =>
  flow({
    ...L7,
    trafficDirection: INGRESS,
    l7: {
      type,
      latencyNs: 25_000_000n,
      record: { case: "http", value: { method: "GET", protocol: "HTTP/1.1", code } },
    },
    ...rest,
  });
const kafka = (type: L7FlowType, errorCode: number) =>
  flow({
    ...L7,
    trafficDirection: EGRESS,
    l7: {
      type,
      latencyNs: 2_000_000_000n,
      record: { case: "kafka", value: { topic: "orders", apiKey: "fetch", errorCode } },
    },
  });
const toWorld = (init: Init) =>
  flow({
    ...TRACE,
    verdict: FORWARDED,
    ...toPort(443),
    destination: { labels: ["reserved:world"] },
    ...init,
  });

interface Golden {
  readonly title: string;
  readonly metrics: string;
  readonly flows: readonly Flow[];
  /** The series of the metrics, without those of durations' buckets. */
  readonly series: readonly string[];
}

const GOLDENS: readonly Golden[] = [
  {
    title: "drop: the reason's name, and the protocol of layer 4 or 7",
    metrics: "drop",
    flows: [
      flow({ ...DROP, verdict: DROPPED, dropReasonDesc: DropReason.POLICY_DENIED, ...toPort(80) }),
      flow({ ...DROP, verdict: DROPPED, dropReasonDesc: DropReason.POLICY_DENIED, ...toPort(81) }),
      flow({ ...L7, verdict: DROPPED, l7: { record: { case: "http", value: {} } } }),
      flow({ ...L7, verdict: DROPPED }),
      flow({ ...DROP, verdict: DROPPED, dropReasonDesc: 9_999 as DropReason }),
      flow({ verdict: DROPPED, ...toPort(80) }),
      flow({ ...DROP, verdict: FORWARDED, dropReasonDesc: DropReason.POLICY_DENIED, ...toPort(80) }),
    ],
    series: [
      'hubble_drop_total{reason="POLICY_DENIED",protocol="TCP"} 2',
      'hubble_drop_total{reason="DROP_REASON_UNKNOWN",protocol="HTTP"} 1',
      'hubble_drop_total{reason="DROP_REASON_UNKNOWN",protocol="Unknown L7"} 1',
      'hubble_drop_total{reason="9999",protocol="Unknown L4"} 1',
      'hubble_drop_total{reason="DROP_REASON_UNKNOWN",protocol="Unknown flow"} 1',
    ],
  },
  {
    title: "flow: types and subtypes of events",
    metrics: "flow",
    flows: [
      flow({ ...L7, l7: { record: { case: "dns", value: {} } }, verdict: FORWARDED }),
      flow({ ...L7, l7: { record: { case: "kafka", value: {} } }, verdict: REDIRECTED }),
      flow({ ...L7, verdict: FORWARDED }),
      flow({ ...DROP, verdict: DROPPED, ...toPort(1) }),
      flow({ ...event(3), ...layer4({ case: "UDP", value: {} }) }),
      flow({ ...event(4, 0), verdict: FORWARDED, ...layer4({ case: "SCTP", value: {} }) }),
      flow({ ...event(4, 256 + 11), verdict: TRACED, ...layer4({ case: "ICMPv4", value: {} }) }),
      flow({ ...event(4, 12), verdict: TRACED, ...layer4({ case: "ICMPv6", value: {} }) }),
      flow({ ...event(5), verdict: AUDIT, ...layer4({ case: "VRRP", value: {} }) }),
      flow({ ...event(7), verdict: 77 as Verdict }),
      flow({}),
    ],
    series: [
      'hubble_flows_processed_total{protocol="DNS",type="L7",subtype="DNS",verdict="FORWARDED"} 1',
      'hubble_flows_processed_total{protocol="Kafka",type="L7",subtype="Kafka",verdict="REDIRECTED"} 1',
      'hubble_flows_processed_total{protocol="Unknown L7",type="L7",subtype="",verdict="FORWARDED"} 1',
      'hubble_flows_processed_total{protocol="TCP",type="Drop",subtype="",verdict="DROPPED"} 1',
      'hubble_flows_processed_total{protocol="UDP",type="Capture",subtype="",verdict="VERDICT_UNKNOWN"} 1',
      'hubble_flows_processed_total{protocol="SCTP",type="Trace",subtype="to-endpoint",verdict="FORWARDED"} 1',
      'hubble_flows_processed_total{protocol="ICMPv4",type="Trace",subtype="to-network",verdict="TRACED"} 1',
      'hubble_flows_processed_total{protocol="ICMPv6",type="Trace",subtype="",verdict="TRACED"} 1',
      'hubble_flows_processed_total{protocol="Unknown L4",type="PolicyVerdict",subtype="",verdict="AUDIT"} 1',
      'hubble_flows_processed_total{protocol="Unknown flow",type="Unknown",subtype="7",verdict="77"} 1',
      'hubble_flows_processed_total{protocol="Unknown flow",type="Unknown",subtype="0",verdict="VERDICT_UNKNOWN"} 1',
    ],
  },
  {
    title: "dns: queries, answers with their types, and denied queries",
    metrics: "dns",
    flows: [
      dns({ query: "a.", qtypes: ["A"] }),
      dns({ query: "b.", qtypes: ["A", "AAAA"] }, { isReply: false }),
      answer({ qtypes: ["A"], ips: ["10.0.0.1", "10.0.0.2"], rrtypes: ["CNAME", "A"] }),
      answer({ qtypes: ["AAAA"], rcode: 3 }),
      answer({ qtypes: ["AAAA"], rcode: 14 }),
      answer({ qtypes: ["MX"], ips: ["10.0.0.1"], rrtypes: ["MX"] }, { verdict: DROPPED }),
      flow({ ...L7, l7: { record: { case: "http", value: {} } } }),
    ],
    series: [
      'hubble_dns_queries_total{rcode="",qtypes="A",ips_returned="0"} 1',
      'hubble_dns_queries_total{rcode="",qtypes="A,AAAA",ips_returned="0"} 1',
      'hubble_dns_queries_total{rcode="Policy denied",qtypes="MX",ips_returned="1"} 1',
      'hubble_dns_responses_total{rcode="No Error",qtypes="A",ips_returned="2"} 1',
      'hubble_dns_responses_total{rcode="Non-Existent Domain",qtypes="AAAA",ips_returned="0"} 1',
      'hubble_dns_responses_total{rcode="",qtypes="AAAA",ips_returned="0"} 1',
      'hubble_dns_response_types_total{type="CNAME",qtypes="A"} 1',
      'hubble_dns_response_types_total{type="A",qtypes="A"} 1',
    ],
  },
  {
    title: "dns: query is a label, ignoreAAAA ignores what asks for AAAA only",
    metrics: "dns:query;ignoreAAAA",
    flows: [
      dns({ query: "a.", qtypes: ["AAAA"] }),
      dns({ query: "b.", qtypes: ["A", "AAAA"] }),
      answer({ query: "c.", qtypes: ["A"], ips: ["10.0.0.1"], rrtypes: ["A"] }),
    ],
    series: [
      'hubble_dns_queries_total{rcode="",qtypes="A,AAAA",ips_returned="0",query="b."} 1',
      'hubble_dns_responses_total{rcode="No Error",qtypes="A",ips_returned="1",query="c."} 1',
      'hubble_dns_response_types_total{type="A",qtypes="A",query="c."} 1',
    ],
  },
  {
    title: "http: requests, responses and durations",
    metrics: "http",
    flows: [
      http(REQUEST, 0),
      http(REQUEST, 0, { trafficDirection: EGRESS }),
      http(RESPONSE, 404),
      http(RESPONSE, 404, { trafficDirection: TrafficDirection.TRAFFIC_DIRECTION_UNKNOWN }),
      http(SAMPLE, 200),
      dns({ query: "a." }),
    ],
    series: [
      'hubble_http_requests_total{method="GET",protocol="HTTP/1.1",reporter="server"} 1',
      'hubble_http_requests_total{method="GET",protocol="HTTP/1.1",reporter="client"} 1',
      'hubble_http_responses_total{method="GET",protocol="HTTP/1.1",status="404",reporter="server"} 1',
      'hubble_http_responses_total{method="GET",protocol="HTTP/1.1",status="404",reporter="unknown"} 1',
      'hubble_http_request_duration_seconds_sum{method="GET",reporter="server"} 0.025',
      'hubble_http_request_duration_seconds_count{method="GET",reporter="server"} 1',
      'hubble_http_request_duration_seconds_sum{method="GET",reporter="unknown"} 0.025',
      'hubble_http_request_duration_seconds_count{method="GET",reporter="unknown"} 1',
    ],
  },
  {
    title: "httpV2: requests from responses, with the ends of the request",
    metrics:
      "httpV2:labelsContext=source_pod,destination_ip,traffic_direction;sourceContext=pod;destinationContext=namespace",
    flows: [
      http(REQUEST, 0),
      http(RESPONSE, 200, {
        source: { namespace: "shop", podName: "server" },
        destination: { namespace: "web", podName: "client" },
        IP: { source: "10.0.0.2", destination: "10.0.0.1" },
      }),
    ],
    series: [
      'hubble_http_requests_total{source_pod="client",destination_ip="10.0.0.2",traffic_direction="ingress",source="web",destination="shop/server",method="GET",protocol="HTTP/1.1",status="200",reporter="server"} 1',
      'hubble_http_request_duration_seconds_sum{source_pod="client",destination_ip="10.0.0.2",traffic_direction="ingress",source="web",destination="shop/server",method="GET",reporter="server"} 0.025',
      'hubble_http_request_duration_seconds_count{source_pod="client",destination_ip="10.0.0.2",traffic_direction="ingress",source="web",destination="shop/server",method="GET",reporter="server"} 1',
    ],
  },
  {
    title: "icmp: gopacket's names; the family of ICMPv6 is IPv4, too",
    metrics: "icmp",
    flows: [
      flow(layer4({ case: "ICMPv4", value: { type: 8 } })),
      flow(layer4({ case: "ICMPv4", value: { type: 3, code: 3 } })),
      flow(layer4({ case: "ICMPv4", value: { type: 256 + 8 } })),
      flow(layer4({ case: "ICMPv6", value: { type: 135 } })),
      flow(layer4({ case: "ICMPv6", value: { type: 143 } })),
      flow(toPort(1)),
      flow({}),
    ],
    series: [
      'hubble_icmp_total{family="IPv4",type="EchoRequest"} 2',
      'hubble_icmp_total{family="IPv4",type="DestinationUnreachable(Port)"} 1',
      'hubble_icmp_total{family="IPv4",type="NeighborSolicitation"} 1',
      'hubble_icmp_total{family="IPv4",type="143(0)"} 1',
    ],
  },
  {
    title: "tcp: FIN, SYN, SYN-ACK and RST of forwarded and redirected packets",
    metrics: "tcp",
    flows: [
      flow({ verdict: FORWARDED, ...withFlags({ SYN: true }) }),
      flow({ verdict: REDIRECTED, ...withFlags({ SYN: true, ACK: true }) }),
      flow({ verdict: FORWARDED, ...withFlags({ FIN: true, RST: true, ACK: true }) }),
      flow({ verdict: FORWARDED, ...withFlags({ SYN: true }), IP: { ipVersion: IPVersion.IPv6 } }),
      flow({ verdict: FORWARDED, ...withFlags({ ACK: true }) }),
      flow({ verdict: DROPPED, ...withFlags({ SYN: true }) }),
      flow({ verdict: FORWARDED, l4: withFlags({ SYN: true }).l4 }),
      flow({ verdict: FORWARDED, ...toPort(1), IP: {} }),
    ],
    series: [
      'hubble_tcp_flags_total{flag="SYN",family="IPv4"} 1',
      'hubble_tcp_flags_total{flag="SYN-ACK",family="IPv4"} 1',
      'hubble_tcp_flags_total{flag="FIN",family="IPv4"} 1',
      'hubble_tcp_flags_total{flag="RST",family="IPv4"} 1',
      'hubble_tcp_flags_total{flag="SYN",family="IPv6"} 1',
    ],
  },
  {
    title: "port-distribution: not replies, nor flows that may be one",
    metrics: "port-distribution",
    flows: [
      flow({ verdict: FORWARDED, isReply: false, ...toPort(443) }),
      flow({
        verdict: REDIRECTED,
        isReply: false,
        ...layer4({ case: "UDP", value: { destinationPort: 53 } }),
      }),
      flow({
        verdict: FORWARDED,
        isReply: false,
        ...layer4({ case: "SCTP", value: { destinationPort: 9 } }),
      }),
      flow({ verdict: FORWARDED, isReply: false, ...layer4({ case: "ICMPv4", value: { type: 8 } }) }),
      flow({ verdict: FORWARDED, isReply: false, ...layer4({ case: "ICMPv6", value: {} }) }),
      flow({ verdict: FORWARDED, isReply: false, ...layer4({ case: "VRRP", value: {} }) }),
      flow({ verdict: FORWARDED, isReply: true, ...toPort(443) }),
      flow({ verdict: FORWARDED, ...toPort(443) }),
      flow({ verdict: DROPPED, isReply: false, ...toPort(443) }),
      flow({ verdict: FORWARDED, isReply: false }),
    ],
    series: [
      'hubble_port_distribution_total{protocol="TCP",port="443"} 1',
      'hubble_port_distribution_total{protocol="UDP",port="53"} 1',
      'hubble_port_distribution_total{protocol="SCTP",port="9"} 1',
      'hubble_port_distribution_total{protocol="ICMPv4",port="0"} 1',
      'hubble_port_distribution_total{protocol="ICMPv6",port="0"} 1',
    ],
  },
  {
    title:
      "flows-to-world: flows to reserved:world that are no replies, dropped ones only if a policy denied them",
    metrics: "flows-to-world",
    flows: [
      toWorld({}),
      toWorld({ isReply: false }),
      toWorld({ isReply: true }),
      toWorld({ destination: { labels: ["reserved:host", "k8s:app=web"] } }),
      toWorld({ ...DROP, verdict: DROPPED, dropReasonDesc: DropReason.POLICY_DENIED, isReply: true }),
      toWorld({ ...DROP, verdict: DROPPED, dropReasonDesc: DropReason.INVALID_SOURCE_IP }),
      flow({ verdict: FORWARDED, ...toPort(443), destination: { labels: ["reserved:world"] } }),
      flow({ ...TRACE, verdict: FORWARDED, destination: { labels: ["reserved:world"] } }),
      flow({ ...TRACE, verdict: FORWARDED, ...toPort(443) }),
    ],
    series: [
      'hubble_flows_to_world_total{protocol="TCP",verdict="FORWARDED"} 2',
      'hubble_flows_to_world_total{protocol="TCP",verdict="DROPPED"} 1',
    ],
  },
  {
    title: "flows-to-world: any-drop counts each drop, port is a label",
    metrics: "flows-to-world:any-drop;port",
    flows: [
      toWorld({ ...DROP, verdict: DROPPED, dropReasonDesc: DropReason.INVALID_SOURCE_IP }),
      toWorld(layer4({ case: "UDP", value: { destinationPort: 53 } })),
      toWorld(layer4({ case: "ICMPv4", value: {} })),
    ],
    series: [
      'hubble_flows_to_world_total{protocol="TCP",verdict="DROPPED",port="443"} 1',
      'hubble_flows_to_world_total{protocol="UDP",verdict="FORWARDED",port="53"} 1',
      'hubble_flows_to_world_total{protocol="ICMPv4",verdict="FORWARDED",port=""} 1',
    ],
  },
  {
    title: "flows-to-world: syn-only counts packets with SYN that are no replies",
    metrics: "flows-to-world:syn-only;port",
    flows: [
      toWorld(withFlags({ SYN: true })),
      toWorld(withFlags({ ACK: true })),
      toWorld({}),
      toWorld(layer4({ case: "UDP", value: { destinationPort: 53 } })),
      toWorld({
        ...withFlags({ SYN: true }),
        ...{ verdict: DROPPED, dropReasonDesc: DropReason.POLICY_DENIED, isReply: true },
      }),
    ],
    series: ['hubble_flows_to_world_total{protocol="TCP",verdict="FORWARDED",port="443"} 1'],
  },
  {
    title: "kafka: requests",
    metrics: "kafka",
    flows: [kafka(REQUEST, 3), kafka(RESPONSE, 0)],
    series: [
      'hubble_kafka_requests_total{topic="orders",api_key="fetch",error_code="3",reporter="client"} 1',
      'hubble_kafka_request_duration_seconds_sum{topic="orders",api_key="fetch",reporter="client"} 2',
      'hubble_kafka_request_duration_seconds_count{topic="orders",api_key="fetch",reporter="client"} 1',
    ],
  },
  {
    title: "policy: verdicts, not for the host, and flows of layer 7",
    metrics: "policy",
    flows: [
      flow({ ...event(5), verdict: FORWARDED, trafficDirection: INGRESS, policyMatchType: 1 }),
      flow({ ...event(5), verdict: DROPPED, trafficDirection: EGRESS }),
      flow({ ...event(5), verdict: DROPPED, policyMatchType: 70 }),
      flow({ ...event(5), verdict: FORWARDED, source: { identity: 1 } }),
      http(REQUEST, 0, { verdict: REDIRECTED }),
      flow({ ...L7, verdict: FORWARDED }),
      flow({ ...TRACE, verdict: FORWARDED }),
    ],
    series: [
      'hubble_policy_verdicts_total{direction="ingress",match="l3-only",action="forwarded"} 1',
      'hubble_policy_verdicts_total{direction="egress",match="none",action="dropped"} 1',
      'hubble_policy_verdicts_total{direction="traffic_direction_unknown",match="unknown",action="dropped"} 1',
      'hubble_policy_verdicts_total{direction="ingress",match="l7/http",action="redirected"} 1',
      'hubble_policy_verdicts_total{direction="traffic_direction_unknown",match="l7/",action="forwarded"} 1',
    ],
  },
];

describe("createFlowMetrics: counts", () => {
  test.each(GOLDENS)("$title", async ({ metrics: text, flows, series }) => {
    const metrics = createFlowMetrics({ metrics: text });
    for (const one of flows) metrics.observe(one);
    const lines = (await metrics.metricsText()).split("\n");
    const own = lines.filter((line) => /^hubble_(?!lost_events)/.test(line) && !line.includes("_bucket{"));
    expect(own.sort()).toEqual([...series].sort());
  });

  test("http: durations fall into the buckets of Prometheus's defaults, bounds included", async () => {
    const metrics = createFlowMetrics({ metrics: "httpV2" });
    for (const latencyNs of [0n, 5_000_000n, 5_000_001n, 10_000_000_000n, 10_000_000_001n]) {
      const response = http(RESPONSE, 200);
      response.l7!.latencyNs = latencyNs;
      metrics.observe(response);
    }
    const buckets = (await metrics.metricsText()).match(/le=".*/g);
    expect(buckets).toEqual(
      [
        ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5].map((le) => [le, le === 0.005 ? 2 : 3]),
        ...[
          [10, 4],
          ["+Inf", 5],
        ],
      ].map(([le, count]) => `le="${le}",method="GET",reporter="server"} ${count}`),
    );
  });

  test("flow: names the observation points that the version has", async () => {
    for (const [hubble, subtype] of [
      ["1.16", ""],
      ["1.19", "from-crypto"],
    ] as const) {
      const metrics = createFlowMetrics({ metrics: "flow", hubble });
      metrics.observe(flow(event(4, 12)));
      expect(await metrics.metricsText()).toContain(`type="Trace",subtype="${subtype}"`);
    }
  });
});
