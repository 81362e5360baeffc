import { readdirSync, readFileSync } from "node:fs";
import { fromJsonString, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Conversation, createConversations } from "../../../src/collect/index.js";
import { flowResponse } from "../../../src/observer/index.js";
import { decodeFlow, type Flow, GetFlowsResponseSchema } from "../../../src/proto.js";
import { type FlowInit, fakeClock, flow } from "../../../src/testing/index.js";
import { encodedFlows } from "../../bench/inputs/corpus.js";
import { runs } from "../../support/amount.js";
import { describeWithShared, sharedPath } from "../../support/shared.js";
import { naiveConversations } from "./oracle.js";

const CLIENT = "10.0.0.1:4711";
const SERVER = "10.0.0.2:80";
const TRACE = (subType: number) => ({ eventType: { type: 4, subType } });

/** A flow from the client to the server. */
function forward(at: number, init: FlowInit = {}): Flow {
  return flow({ from: CLIENT, to: SERVER, isReply: false, tcpFlags: ["ACK"], time: new Date(at), ...init });
}

/** A flow from the server to the client. */
function reply(at: number, init: FlowInit = {}): Flow {
  return flow({ from: SERVER, to: CLIENT, isReply: true, tcpFlags: ["ACK"], time: new Date(at), ...init });
}

function untold(init: FlowInit): Flow {
  const one = flow({ time: new Date(5000), ...init });
  delete one.isReply;
  return one;
}

/** All conversations of some flows. */
function collect(flows: readonly Flow[], options = {}): Conversation[] {
  const conversations = createConversations({ idleMs: Number.POSITIVE_INFINITY, ...options });
  const ended = flows.flatMap((one) => conversations.add(one));
  return [...ended, ...conversations.flush()];
}

describe("createConversations", () => {
  test("joins both directions, nodes and points of one connection", () => {
    const flows = [
      forward(1000, { tcpFlags: ["SYN"], nodeName: "n1", ...TRACE(5) }),
      forward(1001, { tcpFlags: ["SYN"], nodeName: "n1", ...TRACE(11) }),
      forward(1002, { tcpFlags: ["SYN"], nodeName: "n2", ...TRACE(0) }),
      reply(1003, { tcpFlags: ["SYN", "ACK"], nodeName: "n2", ...TRACE(5) }),
      forward(1004, {
        verdict: "DROPPED",
        dropReasonDesc: 133,
        nodeName: "n2",
        eventType: { type: 1, subType: 133 },
      }),
    ];
    expect(collect(flows)).toEqual([
      {
        protocol: "TCP",
        initiator: expect.objectContaining({ address: "10.0.0.1", port: 4711 }),
        responder: expect.objectContaining({ address: "10.0.0.2", port: 80 }),
        initiatorFrom: "is_reply",
        firstMs: 1000,
        lastMs: 1004,
        flows: { forward: 4, reply: 1 },
        verdicts: { FORWARDED: 4, DROPPED: 1 },
        dropReasons: { POLICY_DENIED: 1 },
        nodes: ["n1", "n2"],
        observations: [
          { node: "n2", point: "drop", forward: 1, reply: 0 },
          { node: "n1", point: "from-endpoint", forward: 1, reply: 0 },
          { node: "n2", point: "from-endpoint", forward: 0, reply: 1 },
          { node: "n2", point: "to-endpoint", forward: 1, reply: 0 },
          { node: "n1", point: "to-network", forward: 1, reply: 0 },
        ],
        tcp: { initiatorFlags: ["SYN", "ACK"], responderFlags: ["SYN", "ACK"], state: "open" },
        ended: "flushed",
      },
    ]);
  });

  test("describes both sides by the flow that knows most, then by the latest", () => {
    const known = { namespace: "shop", podName: "cart-1", identity: 700, labels: ["k8s:app=cart"] };
    const workloads = [{ kind: "Deployment", name: "cart" }];
    const flows = [
      forward(3000, { source: { identity: 700 }, destinationNames: ["b.example"] }),
      forward(1000, { source: { ...known, clusterName: "c1", workloads } }),
      reply(2000, { destination: known, sourceNames: ["a.example"] }),
      reply(500, {
        destination: { ...known, podName: "cart-0" },
        sourceService: { namespace: "shop", name: "web" },
      }),
    ];
    const [{ initiator, responder }] = collect(flows) as [Conversation];
    expect(initiator).toEqual({
      ...known,
      address: "10.0.0.1",
      port: 4711,
      names: [],
      clusterName: "",
      workloads: [],
    });
    expect(responder).toMatchObject({ names: ["a.example", "b.example"], service: "shop/web" });
  });

  test.each([
    [
      "is_reply of any flow",
      [untold({ from: SERVER, to: CLIENT, tcpFlags: ["SYN"] }), reply(9000)],
      "10.0.0.1",
      "is_reply",
    ],
    ["SYN", [untold({ from: CLIENT, to: SERVER, tcpFlags: ["SYN"] })], "10.0.0.1", "handshake"],
    ["SYN, ACK", [untold({ from: SERVER, to: CLIENT, tcpFlags: ["SYN", "ACK"] })], "10.0.0.1", "handshake"],
    [
      "the time of the first flow, in any order of arrival",
      [
        untold({ from: CLIENT, to: SERVER, protocol: "UDP", time: new Date(2000) }),
        untold({ from: SERVER, to: CLIENT, protocol: "UDP", time: new Date(1000) }),
      ],
      "10.0.0.2",
      "first-seen",
    ],
  ] as const)("finds the initiator by %s", (_, flows, address, from) => {
    const [conversation] = collect(flows);
    expect(conversation).toMatchObject({ initiator: { address }, initiatorFrom: from });
  });

  test.each([
    ["ICMPv4", 8, 0],
    ["ICMPv4", 13, 14],
    ["ICMPv6", 128, 129],
  ] as const)("joins requests and replies of %s type %i", (name, request, answer) => {
    const icmp = (from: string, to: string, type: number, at: number) =>
      untold({ from, to, time: new Date(at), l4: { protocol: { case: name, value: { type } } } });
    const flows = [
      icmp("10.0.0.2", "10.0.0.1", answer, 1000),
      icmp("10.0.0.1", "10.0.0.2", request, 2000),
      icmp("10.0.0.1", "10.0.0.2", 3, 3000),
    ];
    expect(collect(flows)).toMatchObject([
      {
        protocol: name,
        icmpType: request,
        initiator: { address: "10.0.0.1" },
        flows: { forward: 1, reply: 1 },
      },
      { protocol: name, icmpType: 3, flows: { forward: 1, reply: 0 } },
    ]);
    expect(collect(flows)[0]!.initiator).not.toHaveProperty("port");
  });

  test("counts the flows of layer 7 by status and response code", () => {
    const http = (code: number) =>
      reply(2000, { http: { code, method: "GET", url: "/" }, tcpFlags: undefined! });
    const flows = [
      ...[200, 200, 503].map((code) => {
        const one = http(code);
        one.l7!.type = 2;
        return one;
      }),
    ];
    const request = forward(1000, { http: { method: "GET", url: "/" }, tcpFlags: undefined! });
    request.l7!.type = 1;
    expect(collect([request, ...flows])).toMatchObject([
      { l7: { requests: 1, responses: 3, httpStatus: { 200: 2, 503: 1 }, dnsRcodes: {} } },
    ]);
    const dns = reply(1000, {
      protocol: "UDP",
      tcpFlags: undefined!,
      dns: { query: "a.example.", rcode: 3 },
    });
    dns.l7!.type = 2;
    expect(collect([dns])).toMatchObject([{ protocol: "UDP", l7: { responses: 1, dnsRcodes: { 3: 1 } } }]);
  });

  test("bounds the values that it counts by, and counts the rest", () => {
    const flows = Array.from({ length: 70 }, (_, index) =>
      forward(1000, { nodeName: `n${index}`, dropReasonDesc: (1000 + index) as never }),
    );
    const [{ observations, dropReasons }] = collect(flows) as [Conversation];
    expect(observations).toHaveLength(65);
    expect(observations.find(({ point }) => point === "other")).toEqual({
      node: "",
      point: "other",
      forward: 6,
      reply: 0,
    });
    expect(dropReasons.other).toBe(6);
  });

  test.each([
    ["open", [["SYN"], ["ACK"]], [["SYN", "ACK"]]],
    ["open", [["FIN", "ACK"]], [["ACK"]]],
    ["finished", [["FIN", "ACK"]], [["FIN", "ACK"]]],
    ["reset", [["SYN"]], [["RST", "ACK"]]],
  ] as const)("finds that a connection is %s after %j and %j", (state, client, server) => {
    const flows = [
      ...client.map((tcpFlags) => forward(1000, { tcpFlags })),
      ...server.map((tcpFlags) => reply(2000, { tcpFlags })),
    ];
    expect(collect(flows)[0]!.tcp).toMatchObject({ state });
  });

  test("begins another conversation when closed ports are reused", () => {
    const close = [forward(1000, { tcpFlags: ["FIN", "ACK"] }), reply(1001, { tcpFlags: ["FIN", "ACK"] })];
    const late = forward(900, { tcpFlags: ["SYN"] });
    const acknowledged = forward(1002);
    const again = forward(2000, { tcpFlags: ["SYN"] });
    expect(collect([...close, late, acknowledged, again])).toMatchObject([
      { flows: { forward: 3, reply: 1 }, ended: "replaced" },
      { flows: { forward: 1, reply: 0 }, firstMs: 2000, ended: "flushed" },
    ]);
  });

  test("ends idle conversations by the times of the flows", () => {
    const conversations = createConversations({ idleMs: 1000 });
    const other = (at: number) => flow({ from: "10.0.0.8:1", to: "10.0.0.9:2", time: new Date(at) });
    expect(conversations.add(forward(5000))).toEqual([]);
    expect(conversations.add(other(6000))).toEqual([]);
    expect(conversations.add(other(6001))).toMatchObject([{ lastMs: 5000, ended: "idle" }]);
    expect(conversations.add(other(9000))).toMatchObject([{ lastMs: 6001, ended: "idle" }]);
    expect(conversations.add(forward(8500))).toEqual([]);
    expect(conversations.add(forward(7400))).toMatchObject([{ firstMs: 7400, lastMs: 7400, ended: "idle" }]);
    expect(conversations.endIdle(9600)).toMatchObject([]);
    expect(conversations.endIdle(10_100)).toMatchObject([{ lastMs: 9000 }, { lastMs: 8500 }]);
    expect(conversations.stats).toMatchObject({ flows: 6, late: 1, conversations: 0, ended: 5, evicted: 0 });
  });

  test("evicts the conversation without flows for longest at the maximum, and counts it", () => {
    const conversations = createConversations({ maxConversations: 2 });
    const from = (port: number) => forward(1000, { from: `10.0.0.1:${port}` });
    const ended = [1, 2, 1, 3, 4].flatMap((port) => conversations.add(from(port)));
    expect(ended.map(({ initiator, ended: why }) => [initiator.port, why])).toEqual([
      [2, "evicted"],
      [1, "evicted"],
    ]);
    expect(conversations.stats).toMatchObject({ conversations: 2, ended: 2, evicted: 2 });
    expect(conversations.flush().map(({ initiator }) => initiator.port)).toEqual([3, 4]);
  });

  test("ignores and counts flows without addresses or time, and from the future", () => {
    const conversations = createConversations({ clock: fakeClock(1_000_000), maxAheadMs: 1000 });
    const untimed = forward(0);
    delete untimed.time;
    const arp = forward(0);
    delete arp.IP;
    for (const one of [untimed, arp, forward(1_001_001), forward(1_001_000)]) conversations.add(one);
    expect(conversations.stats).toMatchObject({ untimed: 1, withoutAddresses: 1, ahead: 1, flows: 1 });
  });

  test("accepts responses and their bytes, and ignores other events", () => {
    const conversations = createConversations();
    const response = flowResponse(forward(1000));
    conversations.add(response);
    conversations.add(toBinary(GetFlowsResponseSchema, response));
    conversations.add(undefined);
    conversations.add(new Uint8Array(0));
    expect(conversations.flush()).toMatchObject([{ flows: { forward: 2 } }]);
    expect(() => conversations.add({} as never)).toThrow(TypeError);
    expect(() => conversations.endIdle("x" as never)).toThrow(TypeError);
  });

  test("counts an aggregated flow as those that it stands for", () => {
    const one = forward(1000, { aggregate: { ingressFlowCount: 3, egressFlowCount: 2 } });
    expect(collect([one])).toMatchObject([{ flows: { forward: 5 }, verdicts: { FORWARDED: 5 } }]);
  });

  test("does not depend on the order of the flows", () => {
    const address = fc.constantFrom("10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "[fd00::1]:9");
    const init = fc.record(
      {
        from: address,
        to: address,
        isReply: fc.option(fc.boolean(), { nil: undefined }),
        tcpFlags: fc.constantFrom(["SYN"], ["SYN", "ACK"], ["ACK"], ["PSH", "ACK"]),
        nodeName: fc.constantFrom("n1", "n2"),
        verdict: fc.constantFrom("FORWARDED", "DROPPED"),
        source: fc.record({ podName: fc.constantFrom("", "a", "b"), identity: fc.nat(2) }),
      },
      { requiredKeys: ["from", "to"] },
    );
    fc.assert(
      fc.property(fc.array(init, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (inits, order) => {
        const isSameFamily = ({ from, to }: FlowInit) => from!.startsWith("[") === to!.startsWith("[");
        const flows = inits
          .filter((one) => isSameFamily(one as FlowInit))
          .map((one, index) => {
            const { isReply, ...rest } = one;
            const made = { ...rest, time: new Date(1000 + index) } as FlowInit;
            return isReply === undefined ? untold(made) : flow({ ...made, isReply });
          });
        const shuffled = flows
          .map((one) => ({ one, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        const sorted = (list: Conversation[]) => list.map((one) => JSON.stringify(one)).sort();
        expect(sorted(collect(shuffled))).toEqual(sorted(collect(flows)));
      }),
      { numRuns: runs(1000) },
    );
  });

  test("finds the conversations of the corpus as the oracle does", () => {
    const flows = encodedFlows().map(decodeFlow).map(neverClosed);
    expect(summaries(flows)).toEqual(naiveConversations(flows));
  });
});

describeWithShared("createConversations, recorded flows", () => {
  const folder = sharedPath("flows");
  test.each(readdirSync(folder).filter((name) => name.endsWith(".json")))(
    "finds the conversations of %s as the oracle does",
    (name) => {
      const lines = readFileSync(sharedPath("flows", name), "utf8").trim().split("\n");
      const flows = lines.flatMap((line) => {
        const { responseTypes } = fromJsonString(GetFlowsResponseSchema, line, { ignoreUnknownFields: true });
        return responseTypes.case === "flow" ? [neverClosed(responseTypes.value)] : [];
      });
      expect(flows.length).toBeGreaterThan(0);
      expect(summaries(flows)).toEqual(naiveConversations(flows));
    },
  );
});

/** A flow that does not close its connection: the oracle does not know when ports are used again. */
function neverClosed(one: Flow): Flow {
  const protocol = one.l4?.protocol;
  if (protocol?.case !== "TCP" || protocol.value.flags === undefined) return one;
  Object.assign(protocol.value.flags, { FIN: false, RST: false });
  return one;
}

/** What the oracle also finds. */
function summaries(flows: readonly Flow[]): ReturnType<typeof naiveConversations> {
  const options = { maxConversations: 2 ** 24, maxAheadMs: Number.POSITIVE_INFINITY };
  return collect(flows, options)
    .map((one) => ({
      protocol: one.protocol,
      initiator: textOf(one.initiator),
      responder: textOf(one.responder),
      firstMs: one.firstMs,
      lastMs: one.lastMs,
      flows: { ...one.flows },
      verdicts: one.verdicts,
      dropReasons: one.dropReasons,
      nodes: one.nodes,
      flags: [...new Set([...(one.tcp?.initiatorFlags ?? []), ...(one.tcp?.responderFlags ?? [])])].sort(),
    }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function textOf({ address, port }: Conversation["initiator"]): string {
  return port === undefined ? address : `${address} ${port}`;
}
