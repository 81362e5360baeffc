import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { isFlow } from "../../src/filter/event.js";
import { flowEvent } from "../../src/filter/index.js";
import {
  AgentEventSchema,
  DebugEventSchema,
  ExportEventSchema,
  FlowSchema,
  GetFlowsResponseSchema,
  LostEventSchema,
} from "../../src/proto.js";

describe("flowEvent", () => {
  test.each([
    { case: "flow", value: create(FlowSchema) },
    { case: "lostEvents", value: create(LostEventSchema) },
    { case: "agentEvent", value: create(AgentEventSchema) },
    { case: "debugEvent", value: create(DebugEventSchema) },
  ] as const)("unwraps $case", (responseTypes) => {
    expect(flowEvent(create(ExportEventSchema, { responseTypes }))).toBe(responseTypes.value);
    expect(isFlow(responseTypes.value)).toBe(responseTypes.case === "flow");
  });

  test.each([
    {
      name: "a response with a flow",
      responseTypes: { case: "flow", value: create(FlowSchema) },
      isEvent: true,
    },
    {
      name: "a response with a node's status",
      responseTypes: { case: "nodeStatus", value: {} },
      isEvent: false,
    },
    { name: "an empty response", responseTypes: { case: undefined }, isEvent: false },
  ] as const)("$name holds an event: $isEvent", ({ responseTypes, isEvent }) => {
    const event = flowEvent(create(GetFlowsResponseSchema, { responseTypes }));
    expect(event !== undefined).toBe(isEvent);
    expect(isFlow(event)).toBe(isEvent);
  });
});
