import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HUBBLE_VERSIONS } from "../../src/hubble/version.js";
import { encodeExportLine } from "../../src/observer/export/line.js";
import { traitsOf } from "../../src/observer/format/output-format.js";
import {
  createFlowPrinter,
  type FormatFlowOptions,
  formatFlow,
  formatFlows,
  OUTPUT_FORMATS,
  type OutputFormat,
  type PrintableEvent,
  type PrintedText,
  TIME_FORMATS,
} from "../../src/observer/format.js";
import {
  AgentEventSchema,
  AuthType,
  DebugEventSchema,
  ExportEventSchema,
  FlowSchema,
  GetFlowsResponseSchema,
  LostEventSchema,
  NodeState,
  NodeStatusEventSchema,
  TrafficDirection,
  Verdict,
} from "../../src/proto.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { repository } from "../support/run.js";
import { describeWithShared, sharedPath } from "../support/shared.js";

/** Prints all events as one stream, and returns the contents of `out`. */
function print(events: Iterable<PrintableEvent>, options: FormatFlowOptions): string {
  const printer = createFlowPrinter(options);
  let text = "";
  for (const event of events) text += printer.write(event).out;
  return text + printer.end().out;
}

describeWithShared("formatFlow: compared with hubble observe v1.16.2", () => {
  const read = (...parts: string[]) => readFileSync(sharedPath(...parts), "utf8");
  const linesOf = (file: string) => read("flows", file).trimEnd().split("\n");
  const responsesOf = (file: string) =>
    linesOf(file).map((line) => fromJson(GetFlowsResponseSchema, JSON.parse(line)));
  const golden = readdirSync(sharedPath("golden")).flatMap((file) => {
    const [, name, output] = /^(.*)\.(compact|dict|table)\.txt$/.exec(file) ?? [];
    return name === undefined ? [] : [{ file, name, output: output as OutputFormat }];
  });

  test("the recordings contain 4 files in 3 formats", () => {
    expect(golden).toHaveLength(12);
  });

  test.each(golden)("prints $file byte for byte", ({ file, name, output }) => {
    expect(print(responsesOf(`${name}.json`), { output })).toBe(read("golden", file));
  });

  const flowFiles = readdirSync(sharedPath("flows")).filter((name) => name.endsWith(".json"));

  test.each(flowFiles)("reproduces %s as JSON", (name) => {
    const lines = `${linesOf(name).join("\n")}\n`;
    expect(print(responsesOf(name), { output: "jsonpb" })).toBe(lines);
    expect(print(responsesOf(name), { output: "json" })).toBe(lines);
  });

  test.each(flowFiles)("prints a line for every flow of %s, with and without raw strings", (name) => {
    const responses = responsesOf(name);
    const text = print(responses, {});
    expect(text.split("\n")).toHaveLength(responses.length + 1);
    expect(print(responses, { rawControls: true })).toBe(text);
    expect(responses.map((response) => `${formatFlow(response)}\n`).join("")).toBe(text);
  });

  test("prints a policy verdict", () => {
    const texts = flowFiles.flatMap((name) => responsesOf(name).map((response) => formatFlow(response)));
    expect(texts).toContain(
      "Nov 10 10:40:56.871: bookinfo/ratings-v1-b6994bb9-jgqxb:54314 (ID:16370) -> kube-system/coredns-558bd4d5db-w2m67:53 (ID:48342) policy-verdict:L3-L4 EGRESS ALLOWED (UDP)",
    );
  });
});

describe("formatFlow: single events of hubble observe", () => {
  test("prints an authenticated policy verdict without a time", () => {
    const flow = create(FlowSchema, {
      IP: { source: "2001:db8::1", destination: "2001:db8::2" },
      l4: { protocol: { case: "TCP", value: { sourcePort: 1, destinationPort: 2 } } },
      source: { identity: 16777217 },
      destination: { identity: 2 },
      isReply: true,
      eventType: { type: 5 },
      policyMatchType: 2,
      trafficDirection: TrafficDirection.INGRESS,
      verdict: Verdict.REDIRECTED,
      authType: AuthType.SPIRE,
      Summary: "TCP Flags: SYN",
    });
    expect(formatFlow(flow)).toBe(
      "N/A: [2001:db8::2]:2 (world) <- [2001:db8::1]:1 (ID:16777217) policy-verdict:L3-L4 INGRESS ALLOWED (TCP Flags: SYN; Auth: SPIRE)",
    );
  });

  test("prints a dropped packet", () => {
    const flow = create(FlowSchema, {
      time: { seconds: 1234n, nanos: 567800000 },
      IP: { source: "1.1.1.1", destination: "2.2.2.2" },
      l4: { protocol: { case: "TCP", value: { sourcePort: 31793, destinationPort: 8080 } } },
      source: { identity: 4 },
      destination: { identity: 12345 },
      isReply: false,
      eventType: { type: 1, subType: 133 },
      verdict: Verdict.DROPPED,
      nodeName: "k8s1",
      Summary: "TCP Flags: SYN",
    });
    const line = "1.1.1.1:31793 (health) -> 2.2.2.2:8080 (ID:12345) Policy denied DROPPED (TCP Flags: SYN)";
    expect(formatFlow(flow)).toBe(`Jan  1 00:20:34.567: ${line}`);
    expect(formatFlow(flow, { nodeName: true, timeFormat: "RFC3339Nano" })).toBe(
      `1970-01-01T00:20:34.5678Z [k8s1]: ${line}`,
    );
    expect(formatFlow(flow, { output: "dict", nodeName: true })).toBe(
      [
        "  TIMESTAMP: Jan  1 00:20:34.567",
        "       NODE: k8s1",
        "     SOURCE: 1.1.1.1:31793",
        "DESTINATION: 2.2.2.2:8080",
        "       TYPE: Policy denied",
        "    VERDICT: DROPPED",
        "    SUMMARY: TCP Flags: SYN",
      ].join("\n"),
    );
    expect(formatFlow(flow, { output: "tab", nodeName: true })).toBe(
      [
        "TIMESTAMP             NODE   SOURCE          DESTINATION    TYPE            VERDICT   SUMMARY",
        "Jan  1 00:20:34.567   k8s1   1.1.1.1:31793   2.2.2.2:8080   Policy denied   DROPPED   TCP Flags: SYN",
      ].join("\n"),
    );
  });
});

describe("formatFlow: one flow in any message", () => {
  const flow = create(FlowSchema, { time: { seconds: 5n }, nodeName: "one/n", Summary: "x" });
  const content = {
    responseTypes: { case: "flow" as const, value: flow },
    nodeName: "one/n",
    time: { seconds: 5n },
  };

  test.each(OUTPUTS_AND_LEGACY())(
    "prints the same bare, in a response and as a line of an export: $output, legacy $legacyJson",
    (options) => {
      const text = formatFlow(create(GetFlowsResponseSchema, content), options);
      expect(formatFlow(create(ExportEventSchema, content), options)).toBe(text);
      expect(formatFlow(flow, options)).toBe(text);
      expect(text).not.toBe("");
    },
  );

  test("keeps the message in JSON, and prints the bare flow in the legacy format", () => {
    const response = create(GetFlowsResponseSchema, {
      responseTypes: content.responseTypes,
      nodeName: "other",
    });
    expect(formatFlow(response, { output: "json" })).toBe(encodeExportLine(response));
    expect(formatFlow(response, { output: "json", legacyJson: true })).toBe(
      '{"time":"1970-01-01T00:00:05Z","node_name":"one/n","Summary":"x"}',
    );
    expect(formatFlow(create(FlowSchema), { output: "json", legacyJson: true })).toBe("{}");
    expect(formatFlow(create(FlowSchema), { output: "json" })).toBe('{"flow":{}}');
  });

  test("prints the time and node of the flow, not of its envelope", () => {
    const response = create(GetFlowsResponseSchema, {
      responseTypes: { case: "flow", value: flow },
      nodeName: "other",
      time: { seconds: 99n },
    });
    expect(formatFlow(response, { nodeName: true })).toMatch(/^Jan {2}1 00:00:05\.000 \[one\/n\]: /);
  });
});

function OUTPUTS_AND_LEGACY(): FormatFlowOptions[] {
  return OUTPUT_FORMATS.flatMap((output) => [
    { output, legacyJson: false },
    { output, legacyJson: true },
  ]);
}

describe("printing a stream", () => {
  const flow = (Summary: string) => create(FlowSchema, { Summary });
  const agentEvent = create(AgentEventSchema, { type: 2 });

  test("separates records with a line", () => {
    const text = print([flow("a"), flow("b")], { output: "dict" });
    expect(text.split("------------\n")).toHaveLength(2);
    expect(text.startsWith("  TIMESTAMP: N/A\n")).toBe(true);
  });

  test("prints a table at the end", () => {
    const printer = createFlowPrinter({ output: "table" });
    expect(printer.write(flow("a"))).toEqual({ out: "", err: "" });
    expect(printer.end().out.split("\n")).toHaveLength(3);
    expect(printer.end()).toEqual({ out: "", err: "" });
  });

  test("prints a table for each run of events of the same kind", () => {
    const text = print([flow("a"), agentEvent, agentEvent, create(DebugEventSchema), flow("b")], {
      output: "table",
    });
    expect(text.split("\n").map((line) => line.split(/ {3,}/)[0])).toEqual([
      ..."TIMESTAMP N/A TIMESTAMP N/A N/A TIMESTAMP N/A TIMESTAMP N/A".split(" "),
      "",
    ]);
    expect(text).toContain("\nTIMESTAMP   TYPE            DETAILS\nN/A         AGENT_STARTED   UNKNOWN\n");
  });

  test("prints nothing for an empty stream or empty events", () => {
    for (const output of OUTPUT_FORMATS) {
      expect(print([], { output })).toBe("");
      expect(
        print([create(GetFlowsResponseSchema), create(ExportEventSchema)], { output, debug: true }),
      ).toBe("");
    }
  });

  async function collect(events: Parameters<typeof formatFlows>[0], options?: FormatFlowOptions) {
    const printed: PrintedText[] = [];
    for await (const text of formatFlows(events, options)) printed.push(text);
    return printed;
  }

  test("formatFlows: prints events of any iterable as they arrive", async () => {
    async function* stream() {
      yield flow("a");
      yield create(GetFlowsResponseSchema);
      yield create(GetFlowsResponseSchema, {
        responseTypes: {
          case: "nodeStatus",
          value: create(NodeStatusEventSchema, { stateChange: NodeState.NODE_UNAVAILABLE }),
        },
      });
      yield flow("b");
    }
    const printed = await collect(stream());
    expect(printed.map(({ out, err }) => [out.slice(-4), err])).toEqual([
      ["(a)\n", ""],
      ["", "N/A []: 0 nodes are unavailable: \n"],
      ["(b)\n", ""],
    ]);
    expect(await collect([flow("a"), flow("b")], { output: "table" })).toHaveLength(1);
    expect(await collect([])).toEqual([]);
  });

  test.each(["json", "jsonpb"] as const)(
    "createFlowPrinter: prints the next event after one without a JSON form: %s",
    (output) => {
      const printer = createFlowPrinter({ output });
      const bad = create(FlowSchema, { time: { seconds: 10n ** 15n, nanos: -5 } });
      expect(() => printer.write(bad)).toThrow(expect.objectContaining({ code: "unencodable_event" }));
      expect(printer.write(flow("b")).out).toBe(`${formatFlow(flow("b"), { output })}\n`);
      expect(printer.end()).toEqual({ out: "", err: "" });
    },
  );

  test("formatFlows: ends with the error of an event without a JSON form, after the events before it", async () => {
    const bad = create(FlowSchema, { time: { seconds: 10n ** 15n } });
    const printed: PrintedText[] = [];
    const iteration = async () => {
      for await (const text of formatFlows([flow("a"), bad], { output: "jsonpb" })) printed.push(text);
    };
    await expect(iteration()).rejects.toMatchObject({ code: "unencodable_event" });
    expect(printed).toHaveLength(1);
  });

  test("formatFlows: closes the source when the iteration ends early", async () => {
    let closed = false;
    async function* stream() {
      try {
        for (;;) yield flow("a");
      } finally {
        closed = true;
      }
    }
    for await (const _ of formatFlows(stream())) break;
    expect(closed).toBe(true);
  });
});

describe("formatFlow: invalid arguments", () => {
  test.each([
    { name: "an unknown output", options: { output: "yaml" }, path: "output" },
    { name: "an unknown time format", options: { timeFormat: "Kitchen" }, path: "timeFormat" },
    { name: "an unknown option", options: { colour: true }, path: "colour" },
  ])("rejects $name", ({ options, path }) => {
    expect(() => createFlowPrinter(options as FormatFlowOptions)).toThrow(
      expect.objectContaining({ code: "invalid_options", issues: [expect.objectContaining({ path })] }),
    );
  });

  test.each([
    {
      name: "an init object",
      event: { Summary: "x" },
      expected:
        "formatFlow: event must be a message of the Observer API, not an object (make messages of plain objects with create or fromJson of @bufbuild/protobuf)",
    },
    {
      name: "another message",
      event: create(NodeStatusEventSchema),
      expected: "formatFlow: event must be a message of the Observer API, not relay.NodeStatusEvent",
    },
  ])("rejects $name", ({ event, expected }) => {
    expect(() => formatFlow(event as unknown as PrintableEvent)).toThrow(new TypeError(expected));
  });
});

describe("formatFlow: any event", () => {
  const anyEvent: fc.Arbitrary<PrintableEvent> = fc.oneof(
    arbitraryMessage(FlowSchema, { depth: 4 }),
    arbitraryMessage(LostEventSchema),
    arbitraryMessage(AgentEventSchema),
    arbitraryMessage(DebugEventSchema),
    arbitraryMessage(ExportEventSchema, { depth: 4 }),
    arbitraryMessage(GetFlowsResponseSchema, { depth: 4 }),
  );
  const anyOptions: fc.Arbitrary<FormatFlowOptions> = fc.record(
    {
      output: fc.constantFrom(...OUTPUT_FORMATS.filter((format) => traitsOf(format).layout !== "json")),
      timeFormat: fc.constantFrom(...TIME_FORMATS),
      color: fc.boolean(),
      ipTranslation: fc.boolean(),
      nodeName: fc.boolean(),
      debug: fc.boolean(),
      lostEvents: fc.boolean(),
      rawControls: fc.boolean(),
      policyNames: fc.boolean(),
      hubble: fc.constantFrom(...HUBBLE_VERSIONS),
    },
    { requiredKeys: [] },
  );

  test("prints complete lines without throwing", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 4 }), anyOptions, (events, options) => {
        const printer = createFlowPrinter(options);
        for (const { out, err } of [...events.map(printer.write), printer.end()]) {
          expect(out === "" || out.endsWith("\n") || out.endsWith("------------")).toBe(true);
          expect(err === "" || err.endsWith("\n")).toBe(true);
        }
      }),
    );
  });

  // Hostile strings in every string field of a flow.
  const hostile = fc.string({
    unit: fc.constantFrom(
      "a",
      "\n",
      "\r",
      "\t",
      "\v",
      "\f",
      "\x1b[2J",
      "\x9b",
      "\u202e",
      "\u2028",
      "\0",
      "/",
      ":",
      "🐝",
    ),
    maxLength: 8,
  });
  const hostileFlow = fc
    .record({
      nodeName: hostile,
      Summary: hostile,
      sourceNames: fc.array(hostile, { maxLength: 2 }),
      IP: fc.option(fc.record({ source: hostile, destination: hostile }), { nil: undefined }),
      ethernet: fc.record({ source: hostile, destination: hostile }),
      source: fc.record({ namespace: hostile, podName: hostile }),
      destinationService: fc.record({ namespace: hostile, name: hostile }),
      dns: fc.option(hostile, { nil: undefined }),
    })
    .map(({ dns, IP, ...rest }) =>
      create(FlowSchema, {
        ...rest,
        ...(IP && { IP }),
        ...(dns !== undefined && { l7: { record: { case: "dns", value: { observationSource: dns } } } }),
      }),
    );

  test.each([
    { name: "compact: one line", output: "compact" as const, lines: 1 },
    { name: "dict: seven lines", output: "dict" as const, lines: 7 },
    { name: "table: two lines", output: "table" as const, lines: 2 },
  ])("$name without control characters, for any strings", ({ output, lines }) => {
    fc.assert(
      fc.property(fc.oneof(hostileFlow, arbitraryMessage(FlowSchema, { depth: 3 })), (flow) => {
        const text = formatFlow(flow, { output, nodeName: true, policyNames: true });
        expect(formatFlow(flow, { output, nodeName: true, policyNames: true, hubble: "1.19" })).not.toMatch(
          /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u,
        );
        expect(text.split("\n")).toHaveLength(lines);
        expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  test("with colors contains only its own escape sequences", () => {
    fc.assert(
      fc.property(hostileFlow, (flow) => {
        const text = formatFlow(flow, { color: true, nodeName: true });
        const rest = text.replaceAll(`${String.fromCharCode(0x1b)}[`, "").replaceAll(/3[1-6]m|0m/g, "");
        expect(rest).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  test("raw strings are unchanged, and affect a table as in Go's tabwriter", () => {
    const flow = create(FlowSchema, { Summary: "a\tb\nc\x1b[1m" });
    expect(formatFlow(flow, { rawControls: true }).endsWith("(a\tb\nc\x1b[1m)")).toBe(true);
    expect(formatFlow(flow, { rawControls: true, output: "table" }).split("\n").slice(1)).toEqual([
      "N/A                                UNKNOWN   VERDICT_UNKNOWN   a   b",
      "c\x1b[1m",
    ]);
    const fed = create(FlowSchema, { Summary: "a\fbbbbbb\tc" });
    expect(formatFlow(fed, { rawControls: true, output: "table" }).split("\n").slice(2)).toEqual([
      "bbbbbb   c",
    ]);
  });
});

test.each(OUTPUT_FORMATS)("docs/printing.md and docs/cli.md name the output format %s", (format) => {
  for (const page of ["printing", "cli"]) {
    expect(readFileSync(join(repository, `docs/${page}.md`), "utf8")).toContain(`\`${format}\``);
  }
});
