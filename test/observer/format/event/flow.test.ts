import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { RULES } from "../../../../src/hubble/rules.js";
import { formatDropReason } from "../../../../src/observer/format/event/drop-reason.js";
import { traitsOf } from "../../../../src/observer/format/output-format.js";
import { type FormatFlowOptions, formatFlow, OUTPUT_FORMATS } from "../../../../src/observer/format.js";
import {
  AuthType,
  DebugCapturePoint,
  DropReasonSchema,
  FlowSchema,
  L7FlowType,
  SocketTranslationPoint,
  TrafficDirection,
  Verdict,
} from "../../../../src/proto.js";

type FlowInit = MessageInitShape<typeof FlowSchema> & { $typeName?: never };

const compact = (init: FlowInit, options?: FormatFlowOptions) =>
  formatFlow(create(FlowSchema, init), options);

/** A field of the flow printed as a record. */
function field(label: string, init: FlowInit, options?: FormatFlowOptions): string | undefined {
  const record = compact(init, { ...options, output: "dict" });
  const lines = record.split("\n").map((line) => line.split(/: (.*)/, 2));
  return lines.find(([name]) => name?.trim() === label)?.[1];
}

const IP = { source: "10.0.0.1", destination: "10.0.0.2" };
const TCP = { protocol: { case: "TCP" as const, value: { sourcePort: 40000, destinationPort: 80 } } };

describe("formatFlow: a line", () => {
  test("prints an empty flow", () => {
    expect(compact({})).toBe("N/A:  (unknown) <>  (unknown) UNKNOWN VERDICT_UNKNOWN ()");
  });

  test.each([
    {
      name: "<> if the direction is unknown",
      isReply: undefined,
      expected: "10.0.0.1:40000 (host) <> 10.0.0.2:80 (ID:99)",
    },
    { name: "-> to the server", isReply: false, expected: "10.0.0.1:40000 (host) -> 10.0.0.2:80 (ID:99)" },
    {
      name: "<- with swapped sides for a reply",
      isReply: true,
      expected: "10.0.0.2:80 (ID:99) <- 10.0.0.1:40000 (host)",
    },
  ])("prints the arrow $name", ({ isReply, expected }) => {
    const sides = { IP, l4: TCP, source: { identity: 1 }, destination: { identity: 99 } };
    const init = isReply === undefined ? sides : { ...sides, isReply };
    expect(compact(init)).toBe(`N/A: ${expected} UNKNOWN VERDICT_UNKNOWN ()`);
    expect(field("SOURCE", init)).toBe("10.0.0.1:40000");
  });

  test("prints the node with nodeName", () => {
    const flow = { nodeName: "one/worker", time: { seconds: 1n } };
    expect(compact(flow, { nodeName: true })).toMatch(/^Jan {2}1 00:00:01\.000 \[one\/worker\]: /);
    expect(compact({}, { nodeName: true })).toMatch(/^N\/A \[\]: /);
    expect(compact(flow)).toMatch(/^Jan {2}1 00:00:01\.000: /);
  });
});

describe("formatFlow: host", () => {
  const pod = { namespace: "shop", podName: "web-1" };
  const service = { namespace: "mesh", name: "gate" };

  test.each<{ name: string; init: FlowInit; expected: string; options?: FormatFlowOptions }>([
    { name: "an address", init: { IP }, expected: "10.0.0.1" },
    { name: "with the port of TCP", init: { IP, l4: TCP }, expected: "10.0.0.1:40000" },
    {
      name: "with the port of UDP",
      init: { IP, l4: { protocol: { case: "UDP", value: { sourcePort: 53 } } } },
      expected: "10.0.0.1:53",
    },
    {
      name: "with the port of SCTP",
      init: { IP, l4: { protocol: { case: "SCTP", value: { sourcePort: 7 } } } },
      expected: "10.0.0.1:7",
    },
    {
      name: "without a port for ICMP",
      init: { IP, l4: { protocol: { case: "ICMPv4", value: { type: 8 } } } },
      expected: "10.0.0.1",
    },
    {
      name: "without a port for port 0",
      init: { IP, l4: { protocol: { case: "TCP", value: {} } } },
      expected: "10.0.0.1",
    },
    { name: "IPv6 without port", init: { IP: { source: "::1" } }, expected: "::1" },
    { name: "IPv6 in brackets", init: { IP: { source: "::1" }, l4: TCP }, expected: "[::1]:40000" },
    { name: "a pod", init: { IP, l4: TCP, source: pod }, expected: "shop/web-1:40000" },
    { name: "a pod without namespace", init: { IP, source: { podName: "web-1" } }, expected: "web-1" },
    {
      name: "the address for a namespace only",
      init: { IP, source: { namespace: "shop" } },
      expected: "10.0.0.1",
    },
    { name: "a service", init: { IP, l4: TCP, sourceService: service }, expected: "mesh/gate:40000" },
    { name: "a service without namespace", init: { IP, sourceService: { name: "gate" } }, expected: "gate" },
    {
      name: "the pod in the service's namespace",
      init: { IP, source: pod, sourceService: service },
      expected: "mesh/web-1",
    },
    {
      name: "the bare pod for an empty service",
      init: { IP, source: pod, sourceService: {} },
      expected: "web-1",
    },
    { name: "names", init: { IP, l4: TCP, sourceNames: ["a.io", "b.io"] }, expected: "a.io,b.io:40000" },
    {
      name: "the service before names",
      init: { IP, sourceService: service, sourceNames: ["a.io"] },
      expected: "mesh/gate",
    },
    {
      name: "names with a colon in brackets",
      init: { IP, l4: TCP, sourceNames: ["a:b"] },
      expected: "[a:b]:40000",
    },
    {
      name: "the names for an empty service",
      init: { IP, sourceService: {}, sourceNames: ["a.io"] },
      expected: "a.io",
    },
    { name: "an empty name instead of the address", init: { IP, sourceNames: [""] }, expected: "" },
    {
      name: "a path with resolved dots",
      init: { IP, source: { namespace: "a", podName: "../b" } },
      expected: "b",
    },
    {
      name: "numeric",
      init: { IP, l4: TCP, source: pod, sourceService: service, sourceNames: ["a.io"] },
      options: { ipTranslation: false },
      expected: "10.0.0.1:40000",
    },
    {
      name: "a MAC address without IP",
      init: { ethernet: { source: "aa:bb" }, l4: TCP, source: pod },
      expected: "aa:bb",
    },
    { name: "nothing without addresses and names", init: { l4: TCP, source: pod }, expected: "" },
  ])("prints $name", ({ init, expected, options }) => {
    expect(field("SOURCE", init, options) ?? "").toBe(expected);
  });

  test("prints the destination from its own fields", () => {
    const other: FlowInit = {
      IP,
      l4: TCP,
      destination: pod,
      destinationService: service,
      destinationNames: ["a.io"],
    };
    expect(field("DESTINATION", other)).toBe("mesh/web-1:80");
    expect(field("DESTINATION", other, { ipTranslation: false })).toBe("10.0.0.2:80");
    expect(field("DESTINATION", { IP, destinationService: service })).toBe("mesh/gate");
    expect(field("DESTINATION", { IP, destinationNames: ["a.io"] })).toBe("a.io");
    expect(field("DESTINATION", { ethernet: { destination: "cc:dd" } })).toBe("cc:dd");
    expect(field("SOURCE", other)).toBe("10.0.0.1:40000");
  });
});

describe("formatFlow: identity", () => {
  test.each([
    [0, "(unknown)"],
    [1, "(host)"],
    [2, "(world)"],
    [3, "(unmanaged)"],
    [4, "(health)"],
    [5, "(init)"],
    [6, "(remote-node)"],
    [7, "(kube-apiserver)"],
    [8, "(ingress)"],
    [9, "(world-ipv4)"],
    [10, "(world-ipv6)"],
    [11, "(ID:11)"],
    [16777217, "(ID:16777217)"],
    [4294967295, "(ID:4294967295)"],
  ])("prints %i as %s", (identity, expected) => {
    expect(compact({ source: { identity } })).toBe(
      `N/A:  ${expected} <>  (unknown) UNKNOWN VERDICT_UNKNOWN ()`,
    );
  });
});

describe("formatFlow: type", () => {
  const http = { case: "http" as const, value: {} };
  const dns = { case: "dns" as const, value: { observationSource: "proxy" } };

  test.each<{ name: string; init: FlowInit; expected: string }>([
    { name: "an empty flow", init: {}, expected: "UNKNOWN" },
    { name: "an unknown event", init: { eventType: { type: 77 } }, expected: "UNKNOWN" },
    {
      name: "an HTTP request",
      init: { l7: { type: L7FlowType.REQUEST, record: http } },
      expected: "http-request",
    },
    {
      name: "an HTTP response",
      init: { l7: { type: L7FlowType.RESPONSE, record: http } },
      expected: "http-response",
    },
    {
      name: "DNS with its observation source",
      init: { l7: { type: L7FlowType.RESPONSE, record: dns } },
      expected: "dns-response proxy",
    },
    {
      name: "DNS without an observation source",
      init: { l7: { type: L7FlowType.REQUEST, record: { case: "dns", value: {} } } },
      expected: "dns-request ",
    },
    {
      name: "Kafka",
      init: { l7: { type: L7FlowType.REQUEST, record: { case: "kafka", value: {} } } },
      expected: "kafka-request",
    },
    { name: "another protocol", init: { l7: { type: L7FlowType.SAMPLE } }, expected: "l7-sample" },
    { name: "layer 7 of an unknown kind", init: { l7: {} }, expected: "l7-unknown_l7_type" },
    { name: "layer 7 of a later kind", init: { l7: { type: 9 as L7FlowType } }, expected: "l7-9" },
    {
      name: "layer 7 before the event",
      init: { l7: {}, eventType: { type: 1, subType: 133 } },
      expected: "l7-unknown_l7_type",
    },
    {
      name: "a debug capture",
      init: { eventType: { type: 3 }, debugCapturePoint: DebugCapturePoint.DBG_CAPTURE_SNAT_PRE },
      expected: "DBG_CAPTURE_SNAT_PRE",
    },
    {
      name: "a debug capture of a later release",
      init: { eventType: { type: 3 }, debugCapturePoint: 99 as DebugCapturePoint },
      expected: "99",
    },
    { name: "a denied packet", init: { eventType: { type: 1, subType: 133 } }, expected: "Policy denied" },
    {
      name: "a drop reason of a later release",
      init: { eventType: { type: 1, subType: 250 } },
      expected: "250, 0",
    },
    {
      name: "the drop reason in the lowest byte",
      init: { eventType: { type: 1, subType: 256 + 133 } },
      expected: "Policy denied",
    },
    {
      name: "the drop reason of a negative number",
      init: { eventType: { type: 1, subType: -123 } },
      expected: "Policy denied",
    },
  ])("prints $name", ({ init, expected }) => {
    expect(field("TYPE", init)).toBe(expected);
  });

  test.each([
    [0, "to-endpoint"],
    [1, "to-proxy"],
    [2, "to-host"],
    [3, "to-stack"],
    [4, "to-overlay"],
    [5, "from-endpoint"],
    [6, "from-proxy"],
    [7, "from-host"],
    [8, "from-stack"],
    [9, "from-overlay"],
    [10, "from-network"],
    [11, "to-network"],
    [12, "12"],
    [255, "255"],
    [256, "to-endpoint"],
  ])("prints trace %i as %s", (subType, expected) => {
    expect(field("TYPE", { eventType: { type: 4, subType } })).toBe(expected);
  });

  test.each([
    [0, TrafficDirection.EGRESS, "policy-verdict:none EGRESS"],
    [1, TrafficDirection.INGRESS, "policy-verdict:L3-Only INGRESS"],
    [2, TrafficDirection.INGRESS, "policy-verdict:L3-L4 INGRESS"],
    [3, TrafficDirection.INGRESS, "policy-verdict:L4-Only INGRESS"],
    [4, TrafficDirection.TRAFFIC_DIRECTION_UNKNOWN, "policy-verdict:all TRAFFIC_DIRECTION_UNKNOWN"],
    [5, TrafficDirection.INGRESS, "policy-verdict:L3-Proto INGRESS"],
    [6, TrafficDirection.INGRESS, "policy-verdict:Proto-Only INGRESS"],
    [7, 9 as TrafficDirection, "policy-verdict:unknown 9"],
  ])("prints policy match %i", (policyMatchType, trafficDirection, expected) => {
    expect(field("TYPE", { eventType: { type: 5 }, policyMatchType, trafficDirection })).toBe(expected);
  });

  test.each([
    [SocketTranslationPoint.SOCK_XLATE_POINT_UNKNOWN, "SOCK_XLATE_POINT_UNKNOWN"],
    [SocketTranslationPoint.SOCK_XLATE_POINT_PRE_DIRECTION_FWD, "pre-xlate-fwd"],
    [SocketTranslationPoint.SOCK_XLATE_POINT_POST_DIRECTION_FWD, "post-xlate-fwd"],
    [SocketTranslationPoint.SOCK_XLATE_POINT_PRE_DIRECTION_REV, "pre-xlate-rev"],
    [SocketTranslationPoint.SOCK_XLATE_POINT_POST_DIRECTION_REV, "post-xlate-rev"],
    [5 as SocketTranslationPoint, "5"],
  ])("prints socket translation point %i as %s", (sockXlatePoint, expected) => {
    expect(field("TYPE", { eventType: { type: 7 }, sockXlatePoint })).toBe(expected);
  });

  test("describes every drop reason of v1.16, and no later one", () => {
    const LATER = [205];
    const numbers = DropReasonSchema.values.map(({ number }) => number);
    expect(numbers.filter((number) => formatDropReason(number, RULES["1.16"]) === `${number}, 0`)).toEqual(
      LATER,
    );
    expect(formatDropReason(159, RULES["1.16"])).toBe("159, 0");
    const texts = Array.from({ length: 256 }, (_, reason) => formatDropReason(reason, RULES["1.16"]));
    expect(texts.filter((text) => !/^\d+, 0$/.test(text))).toHaveLength(85);
  });

  test("describes the drop reasons and trace points of v1.19", () => {
    const type = (eventType: { type: number; subType: number }) =>
      formatFlow(create(FlowSchema, { eventType }), { hubble: "1.19", output: "dict" }).split("\n").at(-3);
    expect(type({ type: 1, subType: 205 })).toBe("       TYPE: Punt to proxy");
    expect(type({ type: 1, subType: 16 })).toBe("       TYPE: 16, 0");
    expect(type({ type: 4, subType: 13 })).toBe("       TYPE: to-crypto");
    expect(type({ type: 4, subType: 14 })).toBe("       TYPE: 14");
  });

  test.each([
    [0, "Success"],
    [11, "Missed tail call to custom program"],
    [132, "Invalid source ip"],
    [136, "Fragmentation needed"],
    [161, "NAT 46/64 not enabled"],
    [181, "Policy denied by denylist"],
    [204, "No Egress IP configured"],
  ])("prints drop reason %i as %s", (reason, expected) => {
    expect(formatDropReason(reason, RULES["1.16"])).toBe(expected);
  });
});

describe("formatFlow: verdict", () => {
  test.each([
    [Verdict.VERDICT_UNKNOWN, "VERDICT_UNKNOWN", "VERDICT_UNKNOWN"],
    [Verdict.FORWARDED, "FORWARDED", "ALLOWED"],
    [Verdict.DROPPED, "DROPPED", "DENIED"],
    [Verdict.ERROR, "ERROR", "DENIED"],
    [Verdict.AUDIT, "AUDIT", "AUDITED"],
    [Verdict.REDIRECTED, "REDIRECTED", "ALLOWED"],
    [Verdict.TRACED, "TRACED", "TRACED"],
    [Verdict.TRANSLATED, "TRANSLATED", "TRANSLATED"],
    [42 as Verdict, "42", "42"],
  ])("prints %i as %s, of a policy as %s", (verdict, expected, ofPolicy) => {
    expect(field("VERDICT", { verdict })).toBe(expected);
    expect(field("VERDICT", { verdict, eventType: { type: 5 } })).toBe(ofPolicy);
  });
});

describe("formatFlow: summary", () => {
  test.each([
    [AuthType.DISABLED, "(x)"],
    [AuthType.SPIRE, "(x; Auth: SPIRE)"],
    [AuthType.TEST_ALWAYS_FAIL, "(x; Auth: TEST_ALWAYS_FAIL)"],
    [7 as AuthType, "(x; Auth: 7)"],
  ])("with authentication %i ends with %s", (authType, expected) => {
    const flow = { authType, Summary: "x" };
    expect(compact(flow).endsWith(` ${expected}`)).toBe(true);
    expect(compact(flow, { output: "table" }).endsWith(`   ${expected.slice(1, -1)}`)).toBe(true);
  });

  test("a record does not include authentication", () => {
    expect(field("SUMMARY", { authType: AuthType.SPIRE, Summary: "x" })).toBe("x");
  });
});

describe("formatFlow: colors", () => {
  const color = true;
  const green = (text: string) => `\x1b[32m${text}\x1b[0m`;
  const red = (text: string) => `\x1b[31m${text}\x1b[0m`;
  const yellow = (text: string) => `\x1b[33m${text}\x1b[0m`;

  test.each([
    { name: "an address", init: { IP }, expected: "\x1b[36m10.0.0.1\x1b[0m" },
    {
      name: "a port inside of its host",
      init: { IP, l4: TCP },
      expected: "\x1b[36m10.0.0.1:\x1b[33m40000\x1b[0m\x1b[0m",
    },
    { name: "a MAC address", init: { ethernet: { source: "aa" } }, expected: "\x1b[36maa\x1b[0m" },
    { name: "a frame without a MAC address", init: { ethernet: {} }, expected: "\x1b[36m\x1b[0m" },
    { name: "nothing", init: {}, expected: "" },
  ])("color $name", ({ init, expected }) => {
    expect(field("SOURCE", init, { color }) ?? "").toBe(expected);
  });

  test.each([
    [Verdict.VERDICT_UNKNOWN, "VERDICT_UNKNOWN"],
    [Verdict.FORWARDED, green("FORWARDED")],
    [Verdict.REDIRECTED, green("REDIRECTED")],
    [Verdict.DROPPED, red("DROPPED")],
    [Verdict.ERROR, red("ERROR")],
    [Verdict.AUDIT, yellow("AUDIT")],
    [Verdict.TRACED, yellow("TRACED")],
    [Verdict.TRANSLATED, yellow("TRANSLATED")],
  ])("color verdict %i", (verdict, expected) => {
    expect(field("VERDICT", { verdict }, { color })).toBe(expected);
  });

  test("color a whole line", () => {
    const flow = {
      IP,
      l4: TCP,
      verdict: 2,
      authType: AuthType.TEST_ALWAYS_FAIL,
      Summary: "S",
      isReply: false,
    };
    expect(compact(flow, { color })).toBe(
      `N/A: \x1b[36m10.0.0.1:\x1b[33m40000\x1b[0m\x1b[0m \x1b[35m(unknown)\x1b[0m -> ` +
        `\x1b[36m10.0.0.2:\x1b[33m80\x1b[0m\x1b[0m \x1b[35m(unknown)\x1b[0m UNKNOWN ${red("DROPPED")} ` +
        `(S; Auth: ${red("TEST_ALWAYS_FAIL")})`,
    );
    expect(compact({ authType: AuthType.SPIRE }, { color })).toContain(`Auth: ${green("SPIRE")})`);
  });

  test("are never printed in a table or in JSON", () => {
    const flow = { IP, l4: TCP, verdict: Verdict.DROPPED };
    for (const output of OUTPUT_FORMATS.filter((format) => !traitsOf(format).hasColors)) {
      expect(compact(flow, { output, color })).toBe(compact(flow, { output }));
    }
  });

  test("escape sequences in a name are escaped", () => {
    const flow = { IP, source: { podName: "\x1b[31mred\x1b[0m" } };
    expect(field("SOURCE", flow, { color })).toBe("\x1b[36m^[[31mred^[[0m\x1b[0m");
  });
});
