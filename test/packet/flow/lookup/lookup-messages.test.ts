import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  copyEndpoint,
  createEndpoint,
  createInterface,
  createService,
} from "../../../../src/packet/flow/lookup/lookup-messages.js";
import { EndpointSchema, NetworkInterfaceSchema, ServiceSchema } from "../../../../src/proto.js";

const LOCAL_IDENTITY = 0x0100_0001;

describe("createEndpoint", () => {
  test.each([
    {},
    { ID: 3, identity: 12345, clusterName: "c", namespace: "n", labels: ["k8s:a=b"], podName: "p" },
    { workloads: [{ name: "web", kind: "Deployment" }, { name: "w" }] },
  ])("equals the message that `create` makes of %j", (init) => {
    expect(createEndpoint(init)).toEqual(create(EndpointSchema, init));
    expect(createEndpoint(create(EndpointSchema, init))).toEqual(create(EndpointSchema, init));
    expect(copyEndpoint(createEndpoint(init))).toEqual(create(EndpointSchema, init));
  });

  test("sorts labels by bytes, as Go does, and does not change the caller's list", () => {
    const labels = ["k8s:b", "k8s:a", "\u{1f600}", "\uff5e", "K8s:z", "k8s:a.b", ""];
    expect(createEndpoint({ labels }).labels).toEqual([
      "",
      "K8s:z",
      "k8s:a",
      "k8s:a.b",
      "k8s:b",
      "\uff5e",
      "\u{1f600}",
    ]);
    expect(labels[0]).toBe("k8s:b");
  });

  test.each([
    {
      name: "of a local identity, the most specific CIDR label",
      identity: LOCAL_IDENTITY,
      labels: ["cidr:0.0.0.0/0", "cidr:10.0.0.0/8", "reserved:world", "cidr:10.1.0.0/16"],
      kept: ["cidr:10.1.0.0/16", "reserved:world"],
    },
    {
      name: "of IPv6, with dashes for colons",
      identity: LOCAL_IDENTITY,
      labels: ["cidr:fd00--/8", "cidr:fd00--1/128"],
      kept: ["cidr:fd00--1/128"],
    },
    {
      name: "the first of two of the same length",
      identity: LOCAL_IDENTITY,
      labels: ["cidr:10.2.0.0/16", "cidr:10.1.0.0/16"],
      kept: ["cidr:10.2.0.0/16"],
    },
    {
      name: "no invalid prefix, and no prefix of length 0",
      identity: LOCAL_IDENTITY,
      labels: ["cidr:10.0.0.0/33", "cidr:", "cidr:0.0.0.0/0", "cidrs:1"],
      kept: ["cidrs:1"],
    },
    {
      name: "all of another identity",
      identity: 2,
      labels: ["cidr:10.0.0.0/8", "cidr:10.1.0.0/16"],
      kept: ["cidr:10.0.0.0/8", "cidr:10.1.0.0/16"],
    },
    {
      name: "all of the identity of a remote node",
      identity: 0x0200_0001,
      labels: ["cidr:10.1.0.0/16", "cidr:10.0.0.0/8"],
      kept: ["cidr:10.0.0.0/8", "cidr:10.1.0.0/16"],
    },
  ])("keeps $name", ({ identity, labels, kept }) => {
    expect(createEndpoint({ identity, labels }).labels).toEqual(kept);
  });

  test("copyEndpoint: copies lists and workloads", () => {
    const endpoint = createEndpoint({ labels: ["a"], workloads: [{ name: "w" }] });
    const copy = copyEndpoint(endpoint);
    expect(copy.labels).not.toBe(endpoint.labels);
    expect(copy.workloads[0]).not.toBe(endpoint.workloads[0]);
  });
});

test.each([{}, { index: 3, name: "eth0" }])("createInterface: equals the message of %j", (init) => {
  expect(createInterface(init)).toEqual(create(NetworkInterfaceSchema, init));
});

test.each([{}, { name: "cart", namespace: "shop" }])("createService: equals the message of %j", (init) => {
  expect(createService(init)).toEqual(create(ServiceSchema, init));
});
