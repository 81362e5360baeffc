import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { CelError, CelEvaluationError, compileCel } from "../../src/cel/index.js";
import { createCelEngine } from "../../src/filter/index.js";
import { TrafficDirection, Verdict } from "../../src/gen/flow/flow_pb.js";
import { FlowSchema, LostEventSchema } from "../../src/proto.js";

/** The flow of the expressions: a SYN that was dropped at ingress. */
const FLOW = create(FlowSchema, {
  time: timestampFromDate(new Date("2024-05-01T10:00:00Z")),
  verdict: Verdict.DROPPED,
  dropReason: 181,
  nodeName: "node1",
  Summary: "TCP Flags: SYN",
  trafficDirection: TrafficDirection.INGRESS,
  eventType: { type: 4, subType: -1 },
  isReply: false,
  socketCookie: 9_223_372_036_854_775_813n,
  IP: { source: "10.0.0.1", destination: "10.0.0.2" },
  l4: {
    protocol: { case: "TCP", value: { sourcePort: 40_000, destinationPort: 8080, flags: { SYN: true } } },
  },
  source: {
    namespace: "default",
    podName: "xwing-1",
    labels: ["k8s:app=foo", "k8s:io.kubernetes.pod.namespace=default"],
    workloads: [{ kind: "Deployment", name: "xwing" }],
  },
  destination: { identity: 2 },
});

type Answer = boolean | "does not compile" | "fails";

/**
 * Invalid patterns compile and fail in the evaluation, as in cel-go: `matches('(')` and `matches('(?=x)x')`.
 */
const EXPRESSIONS: Readonly<Record<string, readonly (readonly [expression: string, answer: Answer])[]>> = {
  enums: [
    ["_flow.verdict == Verdict.DROPPED", true],
    ["_flow.verdict == flow.Verdict.DROPPED", true],
    ["_flow.verdict == 2", true],
    ["_flow.verdict == uint(2)", "does not compile"],
    ["_flow.verdict == 'DROPPED'", "does not compile"],
    ["_flow.verdict in [Verdict.DROPPED, Verdict.ERROR]", true],
    ["int(_flow.verdict) == 2", true],
    ["_flow.verdict == Verdict.NOPE", "does not compile"],
    ["_flow.verdict > 1", true],
    ["_flow.traffic_direction == TrafficDirection.INGRESS", true],
  ],
  numbers: [
    ["_flow.l4.TCP.destination_port == uint(8080)", true],
    ["_flow.l4.TCP.destination_port == 8080u", true],
    ["_flow.l4.TCP.destination_port == 8080", "does not compile"],
    ["_flow.l4.TCP.destination_port > 1024u && _flow.l4.TCP.destination_port < 10000u", true],
    ["_flow.drop_reason == 181u", true],
    ["_flow.socket_cookie == 9223372036854775813u", true],
    ["_flow.socket_cookie > 9223372036854775807u", true],
    ["_flow.event_type.sub_type == -1", true],
    ["_flow.event_type.type == uint(4)", "does not compile"],
    ["_flow.l4.TCP.destination_port + 1u == 8081u", true],
    ["_flow.drop_reason - 200u == 0u", "fails"],
    ["_flow.l4.TCP.destination_port in [80u, 8080u]", true],
    ["_flow.l4.TCP.destination_port in [80, 8080]", "does not compile"],
    ["int(_flow.l4.TCP.destination_port) == 8080", true],
  ],
  presence: [
    ["has(_flow.l4.TCP)", true],
    ["has(_flow.l4.UDP)", false],
    ["has(_flow.l7)", false],
    ["has(_flow.destination.namespace)", false],
    ["has(_flow.node_name)", true],
    ["has(_flow.uuid)", false],
    ["has(_flow.nope)", "does not compile"],
  ],
  "defaults of what is not set": [
    ["_flow.l4.UDP.destination_port == 0u", true],
    ["_flow.destination.pod_name == ''", true],
    ["_flow.l7.http.code == 0u", true],
    ["_flow.l7.dns.query == ''", true],
    ["_flow.destination.labels.size() == 0", true],
    ["size(_flow.destination.labels) == 0", true],
    ["_flow.source.ID == 0u", true],
  ],
  types: [
    ["_flow.nope == 1", "does not compile"],
    ["_flow.nodeName == 'node1'", "does not compile"],
    ["_flow.source.pod_name + 1 == 'a'", "does not compile"],
    ["[1, 'a'].size() == 2", true],
    ["type(_flow.verdict) == int", true],
    ["_flow.l4.TCP.destination_port == 8080.0", "does not compile"],
    ["1 == 1.0", "does not compile"],
    ["dyn(_flow.l4.TCP.destination_port) == 8080", true],
    ["_flow.source.labels == ['a']", false],
    ["_flow.source.nosuch()", "does not compile"],
  ],
  wrappers: [
    ["has(_flow.is_reply)", true],
    ["_flow.is_reply == false", true],
    ["!_flow.is_reply", true],
    ["_flow.is_reply == null", false],
    ["_flow.l7 == null", false],
  ],
  "what is no bool": [
    ["_flow.is_reply", "does not compile"],
    ["_flow", "does not compile"],
    ["", "does not compile"],
    ["something-invalid", "does not compile"],
    ["_flow.source.pod_name", "does not compile"],
    ["dyn(true)", "does not compile"],
  ],
  "timestamps and durations": [
    ["_flow.time > timestamp('2024-01-01T00:00:00Z')", true],
    ["_flow.time - timestamp('2024-05-01T09:00:00Z') == duration('1h')", true],
    ["_flow.time.getFullYear() == 2024", true],
    ["_flow.time.getHours('America/New_York') == 6", true],
    ["duration('1h') > duration('59m')", true],
  ],
  texts: [
    ["_flow.IP.source.startsWith('10.')", true],
    ["_flow.Summary.contains('SYN') && _flow.Summary.endsWith('SYN')", true],
    ["size(_flow.source.pod_name) == 7", true],
    ["_flow.source.pod_name.indexOf('w') == 1", "does not compile"],
    ["_flow.source.pod_name + 'x' == 'xwing-1x'", true],
    ["_flow.source.pod_name < 'y'", true],
    ["string(_flow.drop_reason) == '181'", true],
    ["'\\u00e9'.size() == 1", true],
    ["'😀'.size() == 1", true],
    ["b'abc' == bytes('abc')", true],
  ],
  patterns: [
    ["_flow.source.pod_name.matches('^xw.*')", true],
    ["_flow.source.pod_name.matches('(?i)^XW')", true],
    ["_flow.source.pod_name.matches('(?P<n>x)w')", true],
    ["_flow.source.pod_name.matches('(')", "fails"],
    ["_flow.source.pod_name.matches('(?=x)x')", "fails"],
    ["_flow.source.pod_name.matches('^\\\\pL+')", true],
  ],
  macros: [
    ["_flow.source.labels.exists(l, l == 'k8s:app=foo')", true],
    ["_flow.source.labels.all(l, l.startsWith('k8s:'))", true],
    ["_flow.source.labels.exists_one(l, l.contains('app'))", true],
    ["_flow.source.labels.filter(l, l.startsWith('k8s:app')).size() == 1", true],
    ["_flow.source.labels.map(l, l.size())[0] == 11", true],
    ["'k8s:app=foo' in _flow.source.labels", true],
    ["_flow.source.workloads.exists(w, w.kind == 'Deployment' && w.name == 'xwing')", true],
    ["_flow.source.labels.exists(l, l == 1)", "does not compile"],
  ],
  "errors that are absorbed, and that are not": [
    ["_flow.source.labels[5] == 'x'", "fails"],
    ["(1/0 == 1) || true", true],
    ["(_flow.source.labels[9] == 'x') || _flow.verdict == Verdict.DROPPED", true],
    ["(_flow.source.labels[9] == 'x') && false", false],
    ["(_flow.source.labels[9] == 'x') && true", "fails"],
    ["_flow.source.labels.exists(l, _flow.source.labels[9] == 'x' || l.size() > 0)", true],
  ],
  conditionals: [
    ["has(_flow.l4.TCP) ? _flow.l4.TCP.destination_port == 8080u : false", true],
    ["true ? 1 : 'a'", "does not compile"],
  ],
  messages: [
    ["TCP{destination_port: 80u}.destination_port == 80u", true],
    ["_flow.l4.TCP == TCP{source_port: 40000u, destination_port: 8080u, flags: TCPFlags{SYN: true}}", true],
  ],
  syntax: [
    ["_flow.verdict ==", "does not compile"],
    ["_flow.verdict == 2 && package", "does not compile"],
  ],
};

describe.each(Object.entries(EXPRESSIONS))("%s", (_name, expressions) => {
  test.each(expressions)("%s: %s", (expression, answer) => {
    expect(ask(expression)).toBe(answer);
  });
});

test("EXPRESSIONS: has all but the four that need fields that flows do not have", () => {
  expect(Object.values(EXPRESSIONS).flat()).toHaveLength(100);
});

describe("compileCel: the first and last second of 64 bits", () => {
  test.each([
    "int(google.protobuf.Timestamp{seconds: 9223372036854775807}) == 9223372036854775807",
    "int(google.protobuf.Timestamp{seconds: -9223372036854775808}) == -9223372036854775808",
    "has(Flow{extensions: google.protobuf.Timestamp{seconds: 9223372036854775807}}.extensions)",
  ])("%s", (expression) => {
    expect(ask(expression)).toBe(true);
  });
});

describe("compileCel: the four expressions, on messages with such fields", () => {
  const lost = create(LostEventSchema, { numEventsLost: 3n });

  test.each([
    ["lost.cpu == null", true],
    ["lost.cpu == 0", false],
    ["has(lost.cpu)", false],
    ["google.protobuf.Duration{} == duration('0s')", true],
  ])("%s: %s", (expression, answer) => {
    const program = compileCel(expression, { variables: { lost: LostEventSchema }, result: "bool" });
    expect(program({ lost })).toBe(answer);
  });
});

describe("compileCel, compileFlowFilter: report the same issues", () => {
  const variables = { _flow: FlowSchema };

  test.each(Object.values(EXPRESSIONS).flat())("%s: %s", (expression, answer) => {
    const program = () => compileCel(expression, { variables, container: "flow", result: "bool" });
    if (answer === "does not compile") expect(program).toThrow(CelError);
    else if (answer === "fails") expect(() => program()({ _flow: FLOW })).toThrow(CelEvaluationError);
    else expect(program()({ _flow: FLOW })).toBe(answer);
  });
});

function ask(expression: string): Answer {
  try {
    return createCelEngine().compile(expression)(FLOW);
  } catch (error) {
    if (error instanceof CelError) return "does not compile";
    if (error instanceof CelEvaluationError) return "fails";
    throw error;
  }
}
