import { create, equals, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AgentEventSchema, DebugEventSchema, LostEventSchema } from "../../../src/gen/flow/flow_pb.js";
import {
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../../src/gen/observer/observer_pb.js";
import { NodeStatusEventSchema } from "../../../src/gen/relay/relay_pb.js";
import {
  decodeEvent,
  type EventKind,
  encodedEvent,
  encodeEvent,
  flowResponse,
} from "../../../src/observer/index.js";
import { flow } from "../../../src/testing/index.js";

const TIME = { seconds: 1_700_000_000n, nanos: 5 };

function response(responseTypes: GetFlowsResponse["responseTypes"]): Uint8Array {
  return toBinary(
    GetFlowsResponseSchema,
    create(GetFlowsResponseSchema, { responseTypes, nodeName: "kind/node-1", time: TIME }),
  );
}

describe("encodedEvent", () => {
  test.each<[EventKind, Uint8Array]>([
    ["flow", response({ case: "flow", value: flow({ uuid: "u-1" }) })],
    ["node_status", response({ case: "nodeStatus", value: create(NodeStatusEventSchema, {}) })],
    ["lost_events", response({ case: "lostEvents", value: create(LostEventSchema, { numEventsLost: 3n }) })],
    ["none", response({ case: undefined })],
  ])("reads the kind, the time and the node of a response: %s", (kind, bytes) => {
    expect(encodedEvent(bytes)).toEqual({
      bytes,
      kind,
      uuid: kind === "flow" ? "u-1" : "",
      time: 1_700_000_000_000_000_005n,
      node: "kind/node-1",
    });
  });

  test.each([
    ["agent_event", { case: "agentEvent", value: create(AgentEventSchema, {}) }],
    ["debug_event", { case: "debugEvent", value: create(DebugEventSchema, {}) }],
  ] as const)("knows the kinds that only exported events have: %s", (kind, responseTypes) => {
    const event = create(ExportEventSchema, { responseTypes, nodeName: "n" });
    const encoded = encodedEvent(toBinary(ExportEventSchema, event));
    expect(encoded).toMatchObject({ kind, uuid: "", time: undefined, node: "n" });
    expect(equals(ExportEventSchema, decodeEvent(encoded) as typeof event, event)).toBe(true);
  });

  test("uses the time and the node of the flow if the response has none", () => {
    const bare = flow({ uuid: "u-2", nodeName: "node-2", time: TIME });
    const bytes = toBinary(
      GetFlowsResponseSchema,
      create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: bare } }),
    );
    expect(encodedEvent(bytes)).toMatchObject({ time: 1_700_000_000_000_000_005n, node: "node-2" });
  });

  test("throws for bytes that cannot be decoded", () => {
    expect(() => encodedEvent(Uint8Array.of(0x0a, 5))).toThrow(
      expect.objectContaining({ code: "malformed_message" }),
    );
    // The tag of agent_event with a length beyond the end.
    expect(() => encodedEvent(Uint8Array.of(0x22, 5))).toThrow(
      expect.objectContaining({ code: "malformed_message" }),
    );
  });
});

describe("encodeEvent", () => {
  test("encodes a bare flow with its time and node name", () => {
    const bare = flow({ uuid: "u-3", nodeName: "node-3", time: TIME });
    const encoded = encodeEvent(bare);
    expect(encoded).toMatchObject({ kind: "flow", uuid: "u-3", node: "node-3" });
    expect(equals(GetFlowsResponseSchema, decodeEvent(encoded) as GetFlowsResponse, flowResponse(bare))).toBe(
      true,
    );
  });
});
