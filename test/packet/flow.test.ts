import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test, vi } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import {
  createFlowDecoder,
  DEFAULT_LOOKUP_ENTRIES,
  DEFAULT_MAX_CONVERSATIONS,
  decodeFlows,
  PacketError,
} from "../../src/packet/index.js";
import { type Flow, FlowSchema, TrafficDirection, Verdict } from "../../src/proto.js";
import { bytes, ethernet, IPV4, ipv4 } from "./build.js";
import { batchOf, ETHERNET, tcp } from "./flow/frames.js";

const good = ethernet(IPV4, ipv4({}, tcp()));
const bad = ethernet(IPV4, ipv4({}, bytes("03e8 0050")));

describe("decodeFlows", () => {
  test("sets the fields that Hubble would set for a recorded packet, and no others", () => {
    const flows = [...decodeFlows(batchOf(ETHERNET, good), { nodeName: "cluster/node" })];
    expect(flows.map((flow) => toJson(FlowSchema, flow, { useProtoFieldName: true }))).toEqual([
      {
        time: "2023-11-14T22:13:20.123456789Z",
        ethernet: { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" },
        IP: { source: "10.0.0.1", destination: "10.0.0.2", ipVersion: "IPv4" },
        l4: { TCP: { source_port: 1000, destination_port: 80, flags: { SYN: true } } },
        Type: "L3_L4",
        node_name: "cluster/node",
        Summary: "TCP Flags: SYN",
      },
    ]);
  });

  test("sets the fields given by the options", () => {
    const [flow] = decodeFlows(batchOf(ETHERNET, bytes()), {
      nodeLabels: ["kubernetes.io/arch=amd64"],
      verdict: Verdict.FORWARDED,
      trafficDirection: TrafficDirection.EGRESS,
      eventType: { type: 4, subType: 3 },
      isReply: false,
    });
    expect(toJson(FlowSchema, flow as Flow)).toEqual({
      time: "2023-11-14T22:13:20.123456789Z",
      verdict: "FORWARDED",
      Type: "L3_L4",
      nodeLabels: ["kubernetes.io/arch=amd64"],
      eventType: { type: 4, subType: 3 },
      trafficDirection: "EGRESS",
      isReply: false,
    });
  });

  test("yields a flow without layers for an empty packet, and no flow for an empty batch", () => {
    const [flow] = decodeFlows(batchOf(ETHERNET, bytes()), { strict: true });
    expect(toJson(FlowSchema, flow as Flow)).toEqual({
      time: "2023-11-14T22:13:20.123456789Z",
      Type: "L3_L4",
    });
    expect([...decodeFlows(batchOf(ETHERNET))]).toEqual([]);
  });

  test("decodes lazily, and ends with the loop", () => {
    const decoder = createFlowDecoder();
    for (const flow of decoder.decode(batchOf(ETHERNET, good, good, good))) {
      expect(flow.Summary).toBe("TCP Flags: SYN");
      break;
    }
    expect(decoder.stats.packets).toBe(1);
  });

  test("does not change the batch", () => {
    const batch = batchOf(ETHERNET, good, bad);
    const before = batch.records.slice();
    [...decodeFlows(batch), ...decodeFlows(batch, { strict: true })];
    expect(batch.records).toEqual(before);
  });
});

describe("decodeFlows: rejected packets", () => {
  const batch = batchOf(ETHERNET, good, bad, good, bad);

  test("are omitted from the flows, and reported with their index", () => {
    const onError = vi.fn();
    const flows = [...decodeFlows(batch, { strict: true, onError })];
    expect(flows.map(({ Summary }) => Summary)).toEqual(["TCP Flags: SYN", "TCP Flags: SYN"]);
    expect(onError.mock.calls.map(([error]) => String(error))).toEqual([
      "packet 1, TCP at byte 34: Invalid TCP header. Length 4 less than 20",
      "packet 3, TCP at byte 34: Invalid TCP header. Length 4 less than 20",
    ]);
  });

  test("keep their position in the results", () => {
    const results = [...createFlowDecoder({ strict: true }).decodeEach(batch)];
    expect(results.map((result) => result instanceof PacketError)).toEqual([false, true, false, true]);
  });

  test("are counted", () => {
    const decoder = createFlowDecoder({ strict: true });
    [...decoder.decode(batch), ...decoder.decodeEach(batch)];
    expect(decoder.stats).toEqual({
      packets: 8,
      errors: 4,
      unsupportedLinkTypes: new Map(),
      lookupsEvicted: 0,
      conversations: 0,
      conversationsEvicted: 0,
    });
  });

  test("exist in strict mode only", () => {
    const onError = vi.fn();
    const flows = [...decodeFlows(batch, { onError })];
    expect(flows.map(({ Summary }) => Summary)).toEqual(["TCP Flags: SYN", "TCP", "TCP Flags: SYN", "TCP"]);
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("decodeAt", () => {
  test("decodes one packet", () => {
    const decoder = createFlowDecoder({ strict: true });
    const batch = batchOf(ETHERNET, bad, good);
    expect((decoder.decodeAt(batch, 1) as Flow).Summary).toBe("TCP Flags: SYN");
    expect(decoder.decodeAt(batch, 0)).toBeInstanceOf(PacketError);
    expect(decoder.stats).toMatchObject({ packets: 2, errors: 1 });
  });

  test.each([-1, 1, 0.5, Number.NaN])("rejects the index %d", (index) => {
    expect(() => createFlowDecoder().decodeAt(batchOf(ETHERNET, good), index)).toThrow(RangeError);
  });
});

describe("createFlowDecoder: bounds", () => {
  test("has defaults", () => {
    expect([DEFAULT_LOOKUP_ENTRIES, DEFAULT_MAX_CONVERSATIONS]).toEqual([16_384, 65_536]);
  });

  test.each([{ maxConversations: -1 }, { memoEntries: 1.5 }])("reject invalid values: %j", (options) => {
    expect(() => createFlowDecoder(options)).toThrow(OptionsError);
    expect(() => decodeFlows(batchOf(ETHERNET), options)).toThrow(OptionsError);
  });
});
