import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test, vi } from "vitest";
import { createFlowDecoder, decodeFlows, type FlowOptions } from "../../../../src/packet/index.js";
import { type Flow, FlowSchema } from "../../../../src/proto.js";
import { bytes, cookedV2, ethernet, IPV4, ipv4 } from "../../build.js";
import { batchOf, ETHERNET, flowOf, tcp } from "../frames.js";

const web = (source = "10.0.0.1", destination = "10.0.0.2") =>
  ethernet(IPV4, ipv4({ source, destination }, tcp()));
const ARP = ethernet(0x0806, bytes("0001"));

describe("decodeFlows: option endpoint", () => {
  test("rejects a promise", () => {
    const endpoint = async () => ({ podName: "web" });
    // @ts-expect-error a promise is not an endpoint
    expect(() => flowOf(ETHERNET, web(), { endpoint })).toThrow("endpoint must answer at once");
  });

  test("is called for both ends, and sets both, with an empty message for an unknown one", () => {
    const endpoint = (ip: string) =>
      ip === "10.0.0.1" ? { ID: 5, identity: 100, labels: ["k8s:b", "k8s:a"], podName: "web" } : undefined;
    const flow = flowOf(ETHERNET, web(), { endpoint });
    expect(toJson(FlowSchema, flow)).toMatchObject({
      source: { ID: 5, identity: 100, labels: ["k8s:a", "k8s:b"], podName: "web" },
      destination: {},
    });
  });

  test("is not called for a packet without addresses, which has empty endpoints", () => {
    const endpoint = vi.fn();
    const { source, destination } = flowOf(ETHERNET, ARP, { endpoint });
    expect([source?.$typeName, destination?.$typeName]).toEqual(["flow.Endpoint", "flow.Endpoint"]);
    expect(endpoint).not.toHaveBeenCalled();
  });

  test("without it, the endpoints are not set", () => {
    const { source, destination } = flowOf(ETHERNET, web(), { names: () => ["a"] });
    expect([source, destination]).toEqual([undefined, undefined]);
  });
});

describe("decodeFlows: option names", () => {
  test("sets the names that the other end has resolved, without the final dot", () => {
    const names = vi.fn((ip: string, _seenBy: number) =>
      ip === "10.0.0.2" ? ["a.example.", "b.example"] : undefined,
    );
    const endpoint = (ip: string) => ({ ID: ip === "10.0.0.1" ? 11 : 22 });
    const flow = flowOf(ETHERNET, web(), { names, endpoint });
    expect(flow.sourceNames).toEqual([]);
    expect(flow.destinationNames).toEqual(["a.example", "b.example"]);
    expect(names.mock.calls).toEqual([
      ["10.0.0.1", 22, expect.anything()],
      ["10.0.0.2", 11, expect.anything()],
    ]);
  });

  test("is called with 0 for unknown endpoints", () => {
    const names = vi.fn(() => undefined);
    flowOf(ETHERNET, web(), { names });
    expect(names.mock.calls).toEqual([
      ["10.0.0.1", 0, expect.anything()],
      ["10.0.0.2", 0, expect.anything()],
    ]);
  });
});

describe("decodeFlows: option service", () => {
  test("is called with address and port", () => {
    const service = (ip: string, port: number) =>
      ip === "10.0.0.2" && port === 80 ? { name: "cart", namespace: "shop" } : undefined;
    const flow = flowOf(ETHERNET, web(), { service });
    expect(flow.sourceService).toBeUndefined();
    expect(flow.destinationService).toMatchObject({ name: "cart", namespace: "shop" });
  });

  test("is called with port 0 for packets without ports", () => {
    const service = vi.fn(() => undefined);
    flowOf(ETHERNET, ethernet(IPV4, ipv4({ protocol: 1 }, bytes("0800 0000 00000000"))), { service });
    expect(service.mock.calls).toEqual([
      ["10.0.0.1", 0, expect.anything()],
      ["10.0.0.2", 0, expect.anything()],
    ]);
  });
});

describe("decodeFlows: option link", () => {
  test("names the interface of Linux cooked v2", () => {
    const link = vi.fn(() => "eth2");
    const packet = cookedV2(IPV4, ipv4());
    const flows = [...decodeFlows(batchOf(276, packet, packet), { link })];
    expect(flows.map((flow) => flow.interface?.name)).toEqual(["eth2", "eth2"]);
    expect(link.mock.calls).toEqual([[2]]);
  });

  test("is not called for other link types", () => {
    const link = vi.fn(() => "eth0");
    expect(flowOf(ETHERNET, web(), { link }).interface).toBeUndefined();
    expect(link).not.toHaveBeenCalled();
  });

  test("may return undefined", () => {
    expect(flowOf(276, cookedV2(IPV4, ipv4()), { link: () => undefined }).interface).toMatchObject({
      index: 2,
      name: "",
    });
  });
});

describe("decodeFlows: option captureInterface", () => {
  test("is called with the index in the capture's list, and not for packets that name their interface", () => {
    const captureInterface = vi.fn((id: number) => (id === 3 ? { name: "eth3" } : undefined));
    const decoder = createFlowDecoder({ captureInterface });
    const names = [3, 3, 4].flatMap((interfaceId) => {
      const batch = batchOf(ETHERNET, web());
      const flows = decoder.decode({ ...batch, format: { ...batch.format, interfaceId } });
      return Array.from(flows, (flow) => flow.interface?.name);
    });
    expect(names).toEqual(["eth3", "eth3", undefined]);
    const [flow] = decoder.decode(batchOf(276, cookedV2(IPV4, ipv4())));
    expect(flow?.interface).toMatchObject({ index: 2, name: "" });
    expect(captureInterface.mock.calls).toEqual([[3], [4]]);
  });
});

describe("decodeFlows: results of lookups", () => {
  const counting = () => {
    const calls: string[] = [];
    const options: FlowOptions = {
      endpoint: (ip) => void calls.push(`endpoint ${ip}`),
      names: (ip) => void calls.push(`names ${ip}`),
      service: (ip, port) => void calls.push(`service ${ip} ${port}`),
    };
    return { calls, options };
  };

  test("are cached across batches, also undefined ones, until forget()", () => {
    const { calls, options } = counting();
    const decoder = createFlowDecoder(options);
    for (let round = 0; round < 3; round++) [...decoder.decode(batchOf(ETHERNET, web(), web()))];
    expect(calls).toHaveLength(6);
    decoder.forget();
    [...decoder.decode(batchOf(ETHERNET, web()))];
    expect(calls).toHaveLength(12);
    expect(decoder.stats).toMatchObject({ packets: 7, lookupsEvicted: 0 });
  });

  test("are looked up again after eviction from the cache", () => {
    const { calls, options } = counting();
    const decoder = createFlowDecoder({ ...options, memoEntries: 4 });
    const packets = Array.from({ length: 10 }, (_, index) => web(`10.0.1.${index}`, `10.0.2.${index}`));
    for (let round = 0; round < 2; round++) [...decoder.decode(batchOf(ETHERNET, ...packets))];
    expect(calls).toHaveLength(2 * 10 * 6);
    expect(decoder.stats.lookupsEvicted).toBeGreaterThan(60);
  });

  test("are looked up every time with memoEntries 0", () => {
    const { calls, options } = counting();
    [...decodeFlows(batchOf(ETHERNET, web(), web()), { ...options, memoEntries: 0 })];
    expect(calls).toHaveLength(12);
  });

  test("errors are thrown, and the decoder continues with the next packet", () => {
    let calls = 0;
    const decoder = createFlowDecoder({
      endpoint: () => {
        if (calls++ === 0) throw new Error("no cluster");
        return undefined;
      },
    });
    const batch = batchOf(ETHERNET, web(), web());
    expect(() => decoder.decodeAt(batch, 0)).toThrow("no cluster");
    expect((decoder.decodeAt(batch, 1) as Flow).source).toBeDefined();
  });

  test("a lookup may use the decoder", () => {
    const inner = batchOf(276, cookedV2(0x0806, bytes()));
    const decoder = createFlowDecoder({
      link: (index) => `eth${index}`,
      endpoint: () => void decoder.decodeAt(inner, 0),
      memoEntries: 0,
    });
    const flow = decoder.decodeAt(batchOf(ETHERNET, web()), 0) as Flow;
    expect(flow.interface).toBeUndefined();
    expect(flow.Summary).toBe("TCP Flags: SYN");
  });

  test("messages of the caller are copied", () => {
    const labels = ["a"];
    const [first] = decodeFlows(batchOf(ETHERNET, web()), { endpoint: () => ({ labels }) });
    first?.source?.labels.push("b");
    expect(labels).toEqual(["a"]);
  });
});
