import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  createFlowPrinter,
  type FormatFlowOptions,
  OUTPUT_FORMATS,
} from "../../../../src/observer/format.js";
import {
  FlowSchema,
  GetFlowsResponseSchema,
  NodeState,
  NodeStatusEventSchema,
} from "../../../../src/proto.js";

type StatusInit = MessageInitShape<typeof NodeStatusEventSchema> & { $typeName?: never };

const response = (status: StatusInit) =>
  create(GetFlowsResponseSchema, {
    responseTypes: { case: "nodeStatus", value: create(NodeStatusEventSchema, status) },
    nodeName: "relay",
    time: { seconds: 1n },
  });

const print = (status: StatusInit, options: FormatFlowOptions = {}) =>
  createFlowPrinter(options).write(response(status));

const { NODE_CONNECTED, NODE_UNAVAILABLE, NODE_GONE, NODE_ERROR, UNKNOWN_NODE_STATE } = NodeState;
const nodeNames = ["one/a", "one/b"];
const STAMP = "Jan  1 00:00:01.000 [relay]: ";

describe("node status: a line on err", () => {
  test.each<{ name: string; status: StatusInit; expected: string }>([
    {
      name: "connected",
      status: { stateChange: NODE_CONNECTED, nodeNames },
      expected: "Receiving flows from 2 nodes: one/a, one/b",
    },
    {
      name: "unavailable",
      status: { stateChange: NODE_UNAVAILABLE, nodeNames },
      expected: "2 nodes are unavailable: one/a, one/b",
    },
    {
      name: "removed",
      status: { stateChange: NODE_GONE, nodeNames },
      expected: "2 nodes removed from cluster: one/a, one/b",
    },
    {
      name: "an error, quoted",
      status: { stateChange: NODE_ERROR, nodeNames: ["a"], message: 'say "no"\n' },
      expected: 'Error "say \\"no\\"\\n" on 1 nodes: a',
    },
    {
      name: "a change of no nodes",
      status: { stateChange: NODE_GONE },
      expected: "0 nodes removed from cluster: ",
    },
    {
      name: "a change of a later release",
      status: { stateChange: 9 as NodeState, nodeNames: ["a", 'b"\x01'], message: "m" },
      expected: 'unknown node status event: state_change:9 node_names:"a" node_names:"b\\"\\x01" message:"m"',
    },
    { name: "an event without a change", status: {}, expected: "unknown node status event: " },
  ])("prints $name", ({ status, expected }) => {
    for (const output of ["compact", "tab", "table"] as const) {
      expect(print(status, { output, debug: true })).toEqual({ out: "", err: `${STAMP}${expected}\n` });
    }
  });

  test("is printed only for problems, unless debugging", () => {
    const shown = (options: FormatFlowOptions) =>
      [UNKNOWN_NODE_STATE, NODE_CONNECTED, NODE_UNAVAILABLE, NODE_GONE, NODE_ERROR].filter(
        (stateChange) => print({ stateChange }, options).err !== "",
      );
    for (const output of OUTPUT_FORMATS) {
      expect(shown({ output })).toEqual([NODE_UNAVAILABLE, NODE_ERROR]);
      expect(shown({ output, debug: true })).toHaveLength(5);
    }
  });

  test("escapes control characters in names", () => {
    const status = { stateChange: NODE_GONE, nodeNames: ["a\x1b[2J\n"] };
    expect(print(status, { debug: true }).err).toBe(`${STAMP}1 nodes removed from cluster: a^[[2J\\n\n`);
    expect(print(status, { debug: true, rawControls: true }).err).toContain("a\x1b[2J\n");
  });
});

describe("node status: truncated names", () => {
  const joined = (names: string[]) =>
    print({ stateChange: NODE_UNAVAILABLE, nodeNames: names }).err.replace(/^.*unavailable: (.*)\n$/, "$1");

  test.each([
    {
      name: "shows 50 bytes of names, separated",
      names: ["a".repeat(23), "b".repeat(23)],
      expected: 2,
    },
    { name: "truncates at 51 bytes", names: ["a".repeat(23), "b".repeat(24)], expected: 1 },
    { name: "always shows the first name", names: ["a".repeat(80)], expected: 1 },
    {
      name: "omits all names after a long one",
      names: ["a", "b".repeat(60), "c"],
      expected: 1,
    },
    { name: "counts bytes, not characters", names: ["a".repeat(23), "é".repeat(12)], expected: 1 },
    {
      name: "counts three- and four-byte runes",
      names: ["€".repeat(8), "🐝".repeat(5)],
      expected: 2,
    },
  ])("$name", ({ names, expected }) => {
    const shown = names.slice(0, expected).join(", ");
    const more = names.length - expected;
    expect(joined(names)).toBe(more === 0 ? shown : `${shown} (and ${more} more)`);
  });
});

describe("node status: a record", () => {
  const record = (message: string) =>
    [
      "  TIMESTAMP: Jan  1 00:00:01.000",
      "      STATE: NODE_ERROR",
      "      NODES: one/a, one/b",
      `    MESSAGE: ${message}`,
      "",
    ].join("\n");

  test("is printed on err, its separator on out", () => {
    const printer = createFlowPrinter({ output: "dict" });
    const status = response({ stateChange: NODE_ERROR, nodeNames, message: "no" });
    expect(printer.write(status)).toEqual({ out: "", err: record('"no"') });
    expect(printer.write(status)).toEqual({ out: "------------\n", err: record('"no"') });
    expect(printer.write(create(FlowSchema)).out).toMatch(/^-{12}\n {2}TIMESTAMP: /);
  });

  test("has an empty message if there are no more details", () => {
    expect(print({ stateChange: NODE_ERROR, nodeNames }, { output: "dict" }).err).toBe(record("N/A"));
  });
});

test("node status: JSON is printed on err; the legacy format prints nothing", () => {
  const status = { stateChange: NODE_ERROR, nodeNames, message: "no" };
  const json =
    '{"node_status":{"state_change":"NODE_ERROR","node_names":["one/a","one/b"],"message":"no"},"node_name":"relay","time":"1970-01-01T00:00:01Z"}\n';
  expect(print(status, { output: "json" })).toEqual({ out: "", err: json });
  expect(print(status, { output: "json", legacyJson: true, debug: true })).toEqual({ out: "", err: "" });
  expect(print(status, { output: "jsonpb", legacyJson: true })).toEqual({ out: "", err: json });
});
