import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { createFlowPrinter, formatFlow } from "../../../../src/observer/format.js";
import {
  DebugEventSchema,
  DebugEventType,
  ExportEventSchema,
  GetDebugEventsResponseSchema,
} from "../../../../src/proto.js";
import { type DebugEventInit, debugResponse } from "./responses.js";

const lookup: DebugEventInit = {
  type: DebugEventType.DBG_CT_LOOKUP,
  source: { ID: 5, namespace: "shop", podName: "web" },
  hash: 0xbeef,
  cpu: 3,
  message: "hello",
};

test.each<{ name: string; event: DebugEventInit; expected: string }>([
  {
    name: "an event with all fields",
    event: lookup,
    expected: "shop/web (ID: 5) DBG_CT_LOOKUP MARK: 0xbeef CPU: 03 (hello)",
  },
  { name: "an empty event", event: {}, expected: "N/A DBG_EVENT_UNKNOWN MARK: N/A CPU: N/A ()" },
  {
    name: "zeros",
    event: { source: {}, hash: 0, cpu: 0 },
    expected: "ID: 0 DBG_EVENT_UNKNOWN MARK: 0x0 CPU: 00 ()",
  },
  {
    name: "a three-digit processor",
    event: { hash: 0xffffffff, cpu: 128 },
    expected: "N/A DBG_EVENT_UNKNOWN MARK: 0xffffffff CPU: 128 ()",
  },
  {
    name: "a negative processor",
    event: { cpu: -1 },
    expected: "N/A DBG_EVENT_UNKNOWN MARK: N/A CPU: -1 ()",
  },
  {
    name: "a pod without namespace",
    event: { source: { ID: 1, podName: "web" } },
    expected: "ID: 1 DBG_EVENT_UNKNOWN MARK: N/A CPU: N/A ()",
  },
  {
    name: "a reserved endpoint",
    event: { source: { ID: 1, labels: ["reserved:host"] } },
    expected: "reserved:host (ID: 1) DBG_EVENT_UNKNOWN MARK: N/A CPU: N/A ()",
  },
  {
    name: "a reserved endpoint with another label",
    event: { source: { ID: 1, labels: ["reserved:host", "a"] } },
    expected: "ID: 1 DBG_EVENT_UNKNOWN MARK: N/A CPU: N/A ()",
  },
  {
    name: "an endpoint with a custom label",
    event: { source: { ID: 1, labels: ["k8s:a"] } },
    expected: "ID: 1 DBG_EVENT_UNKNOWN MARK: N/A CPU: N/A ()",
  },
])("formatFlow: prints a debug event: $name", ({ event, expected }) => {
  expect(formatFlow(debugResponse(event))).toBe(`Jan  1 00:01:00.000: ${expected}`);
});

test("formatFlow: prints a debug event as a record and a table", () => {
  expect(formatFlow(debugResponse(lookup), { output: "dict", nodeName: true })).toBe(
    [
      "  TIMESTAMP: Jan  1 00:01:00.000",
      "       NODE: one/n1",
      "       TYPE: DBG_CT_LOOKUP",
      "       FROM: shop/web (ID: 5)",
      "       MARK: 0xbeef",
      "        CPU: 03",
      "    MESSAGE: hello",
    ].join("\n"),
  );
  expect(formatFlow(debugResponse(lookup), { output: "tab", nodeName: true })).toBe(
    [
      "TIMESTAMP             NODE     FROM                  TYPE            CPU/MARK    MESSAGE",
      "Jan  1 00:01:00.000   one/n1   shop/web (ID: 5)      DBG_CT_LOOKUP   03 0xbeef   hello",
    ].join("\n"),
  );
});

test("formatFlow: separates records of debug events as Hubble does, without a trailing line feed", () => {
  const printer = createFlowPrinter({ output: "dict" });
  printer.write(debugResponse(lookup));
  expect(printer.write(debugResponse(lookup)).out).toMatch(/^------------ {2}TIMESTAMP: /);
});

test("formatFlow: prints a debug event as JSON in any message; a bare one has no time", () => {
  const event = create(DebugEventSchema, lookup);
  const exported = create(ExportEventSchema, {
    responseTypes: { case: "debugEvent", value: event },
    nodeName: "n",
  });
  expect(formatFlow(exported, { output: "json" })).toMatch(
    /^\{"debug_event":\{"type":"DBG_CT_LOOKUP",.*\},"node_name":"n"\}$/,
  );
  expect(formatFlow(event, { output: "json", legacyJson: true })).toMatch(
    /^\{"type":"DBG_CT_LOOKUP",.*"cpu":3\}$/,
  );
  expect(formatFlow(event)).toMatch(/^N\/A: shop/);
  expect(formatFlow(create(GetDebugEventsResponseSchema))).toBe("");
});
