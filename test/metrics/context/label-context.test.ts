import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CONTEXT_LABEL_NAMES } from "../../../src/metrics/context/context-label.js";
import { CONTEXT_NAMES, type ContextName } from "../../../src/metrics/context/context-value.js";
import { type ContextOptions, compileLabelContext } from "../../../src/metrics/context/label-context.js";
import type { LabelValue } from "../../../src/metrics/series/label-values.js";
import { type Flow, FlowSchema, TrafficDirection } from "../../../src/proto.js";

type Init = Exclude<MessageInitShape<typeof FlowSchema>, Flow>;

const FLOW = {
  IP: { source: "10.0.0.1", destination: "fd00::2" },
  sourceNames: ["a.example", "b.example"],
  destinationNames: ["c.example"],
  source: {
    namespace: "shop",
    podName: "cart-1",
    labels: ["k8s:app=cart", "reserved:host", "reserved:kube-apiserver"],
    workloads: [
      { name: "cart", kind: "Deployment" },
      { name: "other", kind: "Job" },
    ],
  },
  destination: { labels: ["reserved:world", "cidr:1.2.3.4/32"] },
} satisfies Init;

/** The label values of a flow, by their names. */
function labelsOf(options: ContextOptions, flow: Init, swaps = false): Record<string, LabelValue> {
  const context = compileLabelContext(options);
  const values: LabelValue[] = ["own"];
  if (swaps) context.writeSwapped(create(FlowSchema, flow), values, 1);
  else context.write(create(FlowSchema, flow), values, 1);
  expect(values.length).toBe(1 + context.names.length);
  return Object.fromEntries(context.names.map((name, index) => [name, values[index + 1]!]));
}

describe("compileLabelContext: contexts", () => {
  const rows: { readonly [K in ContextName]: [source: string, destination: string] } = {
    identity: ["k8s:app=cart,reserved:host,reserved:kube-apiserver", "reserved:world,cidr:1.2.3.4/32"],
    namespace: ["shop", ""],
    pod: ["shop/cart-1", ""],
    "pod-name": ["cart-1", ""],
    dns: ["a.example,b.example", "c.example"],
    ip: ["10.0.0.1", "fd00::2"],
    "reserved-identity": ["reserved:kube-apiserver", "reserved:world"],
    workload: ["shop/cart", ""],
    "workload-name": ["cart", ""],
    app: ["cart", ""],
  };
  test.each(CONTEXT_NAMES)("%s", (name) => {
    const [source, destination] = rows[name];
    expect(labelsOf({ source: [name], destination: [name] }, FLOW)).toEqual({ source, destination });
  });

  test.each(CONTEXT_NAMES)("%s of an empty flow is empty", (name) => {
    expect(labelsOf({ source: [name], destination: [name] }, {})).toEqual({ source: "", destination: "" });
  });

  test.each<[ContextName, Init["source"], string]>([
    ["pod", { podName: "a" }, "a"],
    ["pod", { namespace: "shop" }, "shop/"],
    ["workload", { namespace: "shop" }, ""],
    ["workload", { workloads: [{ name: "a" }] }, "a"],
    [
      "reserved-identity",
      { labels: ["k8s:reserved:host", "reserved:health", "reserved:host"] },
      "reserved:health",
    ],
    ["app", { labels: ["k8s:app=second", "k8s:app.kubernetes.io/name=first"] }, "second"],
    ["app", { labels: ["k8s:app=", "k8s:k8s-app=x=y"] }, "x=y"],
    ["app", { labels: ["app=a", "k8s:application=b", "any:app=c"] }, ""],
  ])("%s of %o is %s", (name, source, expected) => {
    expect(labelsOf({ source: [name] }, { source })).toEqual({ source: expected });
  });
});

describe("compileLabelContext: lists and directions", () => {
  const { INGRESS, EGRESS } = TrafficDirection;

  test("the first context that is not empty applies", () => {
    const options = { destination: ["pod", "dns", "ip"] } as const;
    expect(labelsOf(options, FLOW)).toEqual({ destination: "c.example" });
    expect(labelsOf(options, { ...FLOW, destinationNames: [] })).toEqual({ destination: "fd00::2" });
  });

  test.each<[ContextOptions, Init["trafficDirection"], string]>([
    [{ source: ["ip"], sourceEgress: ["pod"] }, EGRESS, "shop/cart-1"],
    [{ source: ["ip"], sourceEgress: ["pod"] }, INGRESS, "10.0.0.1"],
    [{ source: ["ip"], sourceIngress: ["pod"] }, INGRESS, "shop/cart-1"],
    [{ source: ["ip"], sourceIngress: ["pod"] }, undefined, "10.0.0.1"],
    [{ sourceEgress: ["pod"] }, EGRESS, "shop/cart-1"],
    [{ sourceEgress: ["pod"] }, INGRESS, ""],
    [{ sourceEgress: ["pod"], sourceIngress: ["app"] }, INGRESS, "cart"],
  ])("%o in direction %s is %s", (options, trafficDirection, source) => {
    const flow = trafficDirection === undefined ? FLOW : { ...FLOW, trafficDirection };
    expect(labelsOf(options, flow)).toEqual({ source });
  });

  test("a response has the values of its ends swapped, of the contexts of these ends", () => {
    expect(labelsOf({ source: ["pod"], destination: ["ip"] }, FLOW, true)).toEqual({
      source: "fd00::2",
      destination: "shop/cart-1",
    });
    expect(labelsOf({ source: ["pod"] }, FLOW, true)).toEqual({ source: "" });
  });
});

describe("compileLabelContext: labelsContext", () => {
  test("has all labels in a fixed order, empty ones included", () => {
    const labels = labelsOf({ labels: [...CONTEXT_LABEL_NAMES].reverse() }, FLOW);
    expect(Object.entries(labels)).toEqual([
      ["source_ip", "10.0.0.1"],
      ["source_pod", "cart-1"],
      ["source_namespace", "shop"],
      ["source_workload", "cart"],
      ["source_workload_kind", "Deployment"],
      ["source_app", "cart"],
      ["destination_ip", "fd00::2"],
      ["destination_pod", ""],
      ["destination_namespace", ""],
      ["destination_workload", ""],
      ["destination_workload_kind", ""],
      ["destination_app", ""],
      ["traffic_direction", "unknown"],
    ]);
  });

  test("of a response has the ends of the request", () => {
    const names = ["source_ip", "source_workload", "destination_pod", "destination_ip"] as const;
    expect(labelsOf({ labels: names }, FLOW, true)).toEqual({
      source_ip: "fd00::2",
      source_workload: "",
      destination_ip: "10.0.0.1",
      destination_pod: "cart-1",
    });
  });

  test.each([
    [TrafficDirection.INGRESS, "ingress"],
    [TrafficDirection.EGRESS, "egress"],
    [9 as TrafficDirection, "9"],
  ])("traffic_direction %i is %s", (trafficDirection, expected) => {
    expect(labelsOf({ labels: ["traffic_direction"] }, { trafficDirection })).toEqual({
      traffic_direction: expected,
    });
  });

  test("comes before source and destination", () => {
    const context = compileLabelContext({ destination: ["ip"], source: ["ip"], labels: ["destination_pod"] });
    expect(context.names).toEqual(["destination_pod", "source", "destination"]);
  });
});
