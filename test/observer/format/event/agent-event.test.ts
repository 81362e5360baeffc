import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { createFlowPrinter, formatFlow } from "../../../../src/observer/format.js";
import {
  AgentEventSchema,
  AgentEventType,
  ExportEventSchema,
  GetAgentEventsResponseSchema,
} from "../../../../src/proto.js";
import { type AgentEventInit, agentResponse } from "./responses.js";

const created: AgentEventInit = {
  type: AgentEventType.ENDPOINT_CREATED,
  notification: { case: "endpointUpdate", value: { id: 7n, namespace: "shop", podName: "web" } },
};

describe("formatFlow: details of agent events", () => {
  test.each<{ name: string; event: AgentEventInit; expected: string }>([
    {
      name: "an event unknown to the server",
      event: { notification: { case: "unknown", value: { type: "9", notification: "{}" } } },
      expected: "AGENT_EVENT_UNKNOWN (type: 9, notification: {})",
    },
    {
      name: "a start",
      event: {
        type: AgentEventType.AGENT_STARTED,
        notification: { case: "agentStart", value: { time: { seconds: 1n } } },
      },
      expected: "AGENT_STARTED (start time: Jan  1 00:00:01.000)",
    },
    {
      name: "a policy",
      event: {
        type: AgentEventType.POLICY_DELETED,
        notification: { case: "policyUpdate", value: { labels: ["a", "b"], revision: 5n, ruleCount: -1n } },
      },
      expected: "POLICY_DELETED (labels: [a,b], revision: 5, count: -1)",
    },
    {
      name: "a regeneration",
      event: {
        type: AgentEventType.ENDPOINT_REGENERATE_SUCCESS,
        notification: { case: "endpointRegenerate", value: { id: 3n, labels: ["k8s:a=b"] } },
      },
      expected: "ENDPOINT_REGENERATE_SUCCESS (id: 3, labels: [k8s:a=b])",
    },
    {
      name: "a failed regeneration",
      event: {
        type: AgentEventType.ENDPOINT_REGENERATE_FAILURE,
        notification: { case: "endpointRegenerate", value: { error: "no" } },
      },
      expected: "ENDPOINT_REGENERATE_FAILURE (id: 0, labels: [], error: no)",
    },
    {
      name: "an endpoint",
      event: created,
      expected: "ENDPOINT_CREATED (id: 7, namespace: shop, pod name: web)",
    },
    {
      name: "an endpoint without a pod",
      event: { type: AgentEventType.ENDPOINT_DELETED, notification: { case: "endpointUpdate", value: {} } },
      expected: "ENDPOINT_DELETED (id: 0)",
    },
    {
      name: "an IP cache entry",
      event: {
        type: AgentEventType.IPCACHE_UPSERTED,
        notification: {
          case: "ipcacheUpdate",
          value: {
            cidr: "10.0.0.0/8",
            identity: 2,
            oldIdentity: 0,
            hostIp: "1.1.1.1",
            oldHostIp: "2.2.2.2",
            encryptKey: 3,
          },
        },
      },
      expected:
        "IPCACHE_UPSERTED (cidr: 10.0.0.0/8, identity: 2, old identity: 0, host ip: 1.1.1.1, old host ip: 2.2.2.2, encrypt key: 3)",
    },
    {
      name: "an IP cache entry with few fields",
      event: { type: AgentEventType.IPCACHE_DELETED, notification: { case: "ipcacheUpdate", value: {} } },
      expected: "IPCACHE_DELETED (cidr: , identity: 0, encrypt key: 0)",
    },
    {
      name: "a service",
      event: {
        type: AgentEventType.SERVICE_UPSERTED,
        notification: {
          case: "serviceUpsert",
          value: {
            id: 4,
            frontendAddress: { ip: "::1", port: 80 },
            backendAddresses: [{ ip: "1.1.1.1", port: 1 }, { ip: "2.2.2.2" }],
            type: "ClusterIP",
            trafficPolicy: "Local",
            namespace: "shop",
            name: "web",
          },
        },
      },
      expected:
        "SERVICE_UPSERTED (id: 4, frontend: [::1]:80, backends: [1.1.1.1:1,2.2.2.2:0], type: ClusterIP, traffic policy: Local, namespace: shop, name: web)",
    },
    {
      name: "a service with few fields",
      event: {
        type: AgentEventType.SERVICE_UPSERTED,
        notification: { case: "serviceUpsert", value: { id: 4 } },
      },
      expected: "SERVICE_UPSERTED (id: 4)",
    },
    {
      name: "a deleted service",
      event: {
        type: AgentEventType.SERVICE_DELETED,
        notification: { case: "serviceDelete", value: { id: 4 } },
      },
      expected: "SERVICE_DELETED (id: 4)",
    },
    { name: "nothing", event: { type: AgentEventType.POLICY_UPDATED }, expected: "POLICY_UPDATED (UNKNOWN)" },
    {
      name: "a type of a later release",
      event: { ...created, type: 99 as AgentEventType },
      expected: "99 (UNKNOWN)",
    },
  ])("prints $name", ({ event, expected }) => {
    expect(formatFlow(agentResponse(event))).toBe(`Jan  1 00:01:00.000: ${expected}`);
  });

  test("prints unknown if the type does not match the notification", () => {
    const types = AgentEventSchema.field.type.enum!.values.map(({ number }) => number);
    const cases = AgentEventSchema.oneofs[0]!.fields.map(({ localName }) => localName);
    const known = cases.map((name) =>
      types.filter((type) => {
        const event = { type, notification: { case: name, value: {} } } as AgentEventInit;
        return !formatFlow(agentResponse(event)).endsWith("(UNKNOWN)");
      }),
    );
    expect(known).toEqual([[0], [2], [3, 4], [5, 6], [7, 8], [9, 10], [11], [12]]);
  });
});

describe("formatFlow: agent events", () => {
  const event = agentResponse(created);

  test("are printed as a line, a record and a table", () => {
    expect(formatFlow(event, { nodeName: true })).toBe(
      "Jan  1 00:01:00.000 [one/n1]: ENDPOINT_CREATED (id: 7, namespace: shop, pod name: web)",
    );
    expect(formatFlow(event, { output: "dict", nodeName: true })).toBe(
      [
        "  TIMESTAMP: Jan  1 00:01:00.000",
        "       NODE: one/n1",
        "       TYPE: ENDPOINT_CREATED",
        "    DETAILS: id: 7, namespace: shop, pod name: web",
      ].join("\n"),
    );
    expect(formatFlow(event, { output: "table" })).toBe(
      [
        "TIMESTAMP             TYPE               DETAILS",
        "Jan  1 00:01:00.000   ENDPOINT_CREATED   id: 7, namespace: shop, pod name: web",
      ].join("\n"),
    );
  });

  test("records are separated as in Hubble, without a trailing line feed", () => {
    const printer = createFlowPrinter({ output: "dict" });
    printer.write(event);
    expect(printer.write(event).out).toMatch(/^------------ {2}TIMESTAMP: /);
  });

  test("are printed as JSON in any message", () => {
    const json =
      '{"agent_event":{"type":"ENDPOINT_CREATED","endpoint_update":{"id":"7","pod_name":"web","namespace":"shop"}},"node_name":"one/n1","time":"1970-01-01T00:01:00Z"}';
    expect(formatFlow(event, { output: "json" })).toBe(json);
    const responseTypes = { case: "agentEvent" as const, value: create(AgentEventSchema, created) };
    const exported = create(ExportEventSchema, { responseTypes, nodeName: "one/n1", time: { seconds: 60n } });
    expect(formatFlow(exported, { output: "jsonpb" })).toBe(json);
    expect(formatFlow(exported)).toBe(formatFlow(event));
    expect(formatFlow(event, { output: "json", legacyJson: true })).toBe(
      '{"type":"ENDPOINT_CREATED","endpoint_update":{"id":"7","pod_name":"web","namespace":"shop"}}',
    );
  });

  test("bare events have no time", () => {
    expect(formatFlow(create(AgentEventSchema, created), { nodeName: true })).toMatch(
      /^N\/A \[\]: ENDPOINT_CREATED /,
    );
  });

  test("an empty response prints nothing", () => {
    expect(formatFlow(create(GetAgentEventsResponseSchema))).toBe("");
  });
});
