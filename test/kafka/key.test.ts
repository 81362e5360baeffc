import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LostEventSchema } from "../../src/gen/flow/flow_pb.js";
import { GetFlowsResponseSchema } from "../../src/gen/observer/observer_pb.js";
import { keyFunction } from "../../src/kafka/key.js";
import { encodeEvent } from "../../src/observer/index.js";
import { flow } from "../../src/testing/index.js";

const fiveTuple = keyFunction("five-tuple");

function flowEvent(source: string, destination: string, protocol?: object) {
  return encodeEvent(
    flow({
      IP: { source, destination },
      ...(protocol && { l4: protocol }),
      nodeName: "n",
      uuid: "u",
    } as never),
  );
}

const tcp = (sourcePort: number, destinationPort: number) => ({
  protocol: { case: "TCP", value: { sourcePort, destinationPort } },
});

describe("keyFunction", () => {
  test("node: the node of the event, if it is known", () => {
    const key = keyFunction("node");
    expect(key(flowEvent("10.0.0.1", "10.0.0.2"))).toBe("n");
    expect(key({ ...flowEvent("10.0.0.1", "10.0.0.2"), node: "" })).toBeUndefined();
  });

  test("a function: what it returns", () => {
    expect(keyFunction(({ uuid }) => uuid)(flowEvent("10.0.0.1", "10.0.0.2"))).toBe("u");
  });

  test.each([
    ["TCP", tcp(40000, 80), "TCP 10.0.0.1:80 10.0.0.2:40000"],
    [
      "UDP",
      { protocol: { case: "UDP", value: { sourcePort: 1, destinationPort: 2 } } },
      "UDP 10.0.0.1:2 10.0.0.2:1",
    ],
    ["ICMPv4", { protocol: { case: "ICMPv4", value: { type: 8 } } }, "ICMPv4 10.0.0.1:0 10.0.0.2:0"],
  ])("five-tuple: protocol, addresses and ports of %s", (_, protocol, expected) => {
    expect(fiveTuple(flowEvent("10.0.0.2", "10.0.0.1", protocol))).toBe(expected);
  });

  test("five-tuple: both directions have the same key, and other conversations another one", () => {
    const address = fc.ipV4();
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(address, address, port, port, port, (a, b, p, q, other) => {
        const key = fiveTuple(flowEvent(a, b, tcp(p, q)));
        expect(fiveTuple(flowEvent(b, a, tcp(q, p)))).toBe(key);
        if (other !== p && !(a === b && other === q)) {
          expect(fiveTuple(flowEvent(a, b, tcp(other, q)))).not.toBe(key);
        }
      }),
    );
  });

  test("five-tuple: events without a conversation have the key of their node", () => {
    const lost = create(GetFlowsResponseSchema, {
      responseTypes: { case: "lostEvents", value: create(LostEventSchema, {}) },
      nodeName: "n",
    });
    expect(fiveTuple(encodeEvent(lost))).toBe("n");
    expect(fiveTuple(flowEvent("", ""))).toBe("n");
    expect(fiveTuple({ ...encodeEvent(lost), node: "" })).toBeUndefined();
  });
});
