import { clone, create, equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { traitsOf } from "../../src/observer/format/output-format.js";
import {
  checkFieldMask,
  compileFieldMask,
  DEFAULT_FIELD_MASK,
  defaultFieldMask,
  encodeExportLine,
  FieldMaskError,
  flowResponse,
  formatFlow,
  HUBBLE_VERSIONS,
  OUTPUT_FORMATS,
} from "../../src/observer/index.js";
import {
  ExportEventSchema,
  type Flow,
  FlowSchema,
  GetFlowsResponseSchema,
  TrafficDirection,
} from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { describeWithShared } from "../support/shared.js";
import { readLine, readLines, sharedFlowFiles } from "./lines.js";

const FLOW =
  '{"flow":{"time":"2024-01-01T00:00:00Z","uuid":"u","verdict":"DROPPED","l4":{"TCP":{"source_port":1,"destination_port":2,"flags":{"SYN":true}}},' +
  '"source":{"identity":7,"namespace":"a","pod_name":"p","labels":["k8s:app=x"]},"node_name":"n","is_reply":true,"Summary":"s"},"node_name":"n","time":"2024-01-01T00:00:00Z"}';

async function masked(line: string, paths: readonly string[]): Promise<string> {
  return encodeExportLine(compileFieldMask(paths)(await readLine(line)));
}

describe("compileFieldMask", () => {
  test.each([
    { paths: ["verdict"], line: '{"flow":{"verdict":"DROPPED"}}' },
    {
      paths: ["time", "uuid"],
      line: '{"flow":{"time":"2024-01-01T00:00:00Z","uuid":"u"},"time":"2024-01-01T00:00:00Z"}',
    },
    { paths: ["node_name"], line: '{"flow":{"node_name":"n"},"node_name":"n"}' },
    { paths: ["source.pod_name"], line: '{"flow":{"source":{"pod_name":"p"}}}' },
    {
      paths: ["source.pod_name", "source.identity"],
      line: '{"flow":{"source":{"identity":7,"pod_name":"p"}}}',
    },
    {
      paths: ["source.labels", "source", "source.ID"],
      line: '{"flow":{"source":{"identity":7,"namespace":"a","labels":["k8s:app=x"],"pod_name":"p"}}}',
    },
    { paths: ["destination.pod_name"], line: '{"flow":{"destination":{}}}' },
    { paths: ["destination"], line: '{"flow":{}}' },
    { paths: ["tunnel.IP.source"], line: '{"flow":{"tunnel":{"IP":{}}}}' },
    {
      paths: ["l4"],
      line: '{"flow":{"l4":{"TCP":{"source_port":1,"destination_port":2,"flags":{"SYN":true}}}}}',
    },
    {
      paths: ["l4.TCP"],
      line: '{"flow":{"l4":{"TCP":{"source_port":1,"destination_port":2,"flags":{"SYN":true}}}}}',
    },
    {
      paths: ["l4.TCP.destination_port", "l4.UDP.destination_port"],
      line: '{"flow":{"l4":{"TCP":{"destination_port":2}}}}',
    },
    { paths: ["l4.UDP.destination_port"], line: '{"flow":{"l4":{}}}' },
    { paths: ["l4.UDP"], line: '{"flow":{"l4":{}}}' },
    { paths: ["is_reply"], line: '{"flow":{"is_reply":true}}' },
    { paths: ["is_reply.value"], line: '{"flow":{"is_reply":true}}' },
    {
      paths: ["time.seconds"],
      line: '{"flow":{"time":"2024-01-01T00:00:00Z"},"time":"2024-01-01T00:00:00Z"}',
    },
    { paths: ["extensions.type_url"], line: '{"flow":{"extensions":{}}}' },
    {
      paths: [],
      line: FLOW.replace(
        '"namespace":"a","pod_name":"p","labels":["k8s:app=x"]',
        '"namespace":"a","labels":["k8s:app=x"],"pod_name":"p"',
      ),
    },
  ])("applies $paths", async ({ paths, line }) => {
    expect(await masked(FLOW, paths)).toBe(line);
  });

  test("a wrapper with a masked field inside is present if the flow has none", async () => {
    expect(await masked('{"flow":{}}', ["is_reply.value"])).toBe('{"flow":{"is_reply":false}}');
    expect(await masked('{"flow":{}}', ["is_reply"])).toBe('{"flow":{}}');
  });

  test.each([
    '{"lost_events":{"num_events_lost":"1"},"node_name":"n"}',
    '{"agent_event":{"type":"AGENT_STARTED"},"node_name":"n"}',
  ])("does not change %s, which is not a flow", async (line) => {
    expect(await masked(line, ["verdict"])).toBe(line);
  });

  test("DEFAULT_FIELD_MASK: keeps the fields required for printing", () => {
    const mask = compileFieldMask(DEFAULT_FIELD_MASK);
    fc.assert(
      fc.property(
        arbitraryMessage(ExportEventSchema),
        fc.constantFrom(...OUTPUT_FORMATS.filter((format) => traitsOf(format).layout !== "json")),
        fc.boolean(),
        (event, output, ipTranslation) => {
          const options = { output, ipTranslation, nodeName: true } as const;
          if (event.responseTypes.case !== "flow") return;
          const { value } = event.responseTypes;
          const masked = mask(event).responseTypes.value;
          expect(formatFlow(masked as Flow, options)).toBe(formatFlow(value, options));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("DEFAULT_FIELD_MASK: a policy verdict keeps its match type and direction", async () => {
    const line =
      '{"flow":{"verdict":"FORWARDED","event_type":{"type":5},"traffic_direction":"EGRESS","policy_match_type":1,"auth_type":"SPIRE"}}';
    const { events } = await readLines(line);
    const { responseTypes } = compileFieldMask(DEFAULT_FIELD_MASK)(events[0]!);
    expect(formatFlow(responseTypes.value as Flow)).toContain(
      "policy-verdict:L3-Only EGRESS ALLOWED (; Auth: SPIRE)",
    );
  });

  test("DEFAULT_FIELD_MASK: contains Hubble's fields", async () => {
    expect(await masked(FLOW, DEFAULT_FIELD_MASK)).toBe(
      '{"flow":{"time":"2024-01-01T00:00:00Z","verdict":"DROPPED","l4":{"TCP":{"source_port":1,"destination_port":2,"flags":{"SYN":true}}},' +
        '"source":{"identity":7,"namespace":"a","pod_name":"p"},"destination":{},"node_name":"n","is_reply":true,"Summary":"s"},"node_name":"n","time":"2024-01-01T00:00:00Z"}',
    );
  });

  test.each([
    "",
    ".",
    "verdict.",
    ".verdict",
    "nonsense",
    "sourceService",
    "verdict.x",
    "node_labels.0",
    "source.labels.x",
    "source.workloads.name",
    "flow.verdict",
    "*",
    "source.*",
    "__proto__",
    "toString",
    "summary",
    "TCP",
  ])("rejects the path %o", (path) => {
    expect(() => compileFieldMask(["verdict", path])).toThrow(FieldMaskError);
    expect(checkFieldMask(["verdict", path])).toEqual([
      {
        path: "field_mask[1]",
        message: expect.stringMatching(/^invalid fieldmask: invalid path .* for message "flow.Flow"$/),
      },
    ]);
  });

  test("has the error text of the command line of v1.19", () => {
    const expected = {
      path: "field_mask[0]",
      message: 'failed to construct field mask: proto: invalid path "source.podName" for message "flow.Flow"',
    };
    expect(checkFieldMask(["source.podName"], { hubble: "1.19" })).toEqual([expected]);
    expect(() => compileFieldMask(["source.podName"], { hubble: "1.19" })).toThrow(expected.message);
  });

  test("reports all invalid paths", () => {
    expect(() => compileFieldMask(["a", "verdict", "b"])).toThrow(
      expect.objectContaining({
        code: "invalid_field_mask",
        message:
          'field_mask[0]: invalid fieldmask: invalid path "a" for message "flow.Flow"\n' +
          'field_mask[2]: invalid fieldmask: invalid path "b" for message "flow.Flow"',
      }),
    );
  });

  test("does not modify the event, and is idempotent", () => {
    const paths = fc.subarray([
      ...DEFAULT_FIELD_MASK,
      "source",
      "l4.TCP.flags",
      "time.nanos",
      "l7.dns.query",
    ]);
    fc.assert(
      fc.property(arbitraryMessage(ExportEventSchema), paths, (event, names) => {
        const mask = compileFieldMask(names);
        const before = clone(ExportEventSchema, event);
        const once = mask(event);
        expect(equals(ExportEventSchema, event, before)).toBe(true);
        expect(equals(ExportEventSchema, mask(once), once)).toBe(true);
      }),
      { numRuns: runs(200) },
    );
  });

  test("a mask of all fields only changes the envelope", () => {
    const mask = compileFieldMask(FlowSchema.fields.map(({ name }) => name));
    fc.assert(
      fc.property(arbitraryMessage(GetFlowsResponseSchema), (event) => {
        const { responseTypes } = mask(event);
        if (event.responseTypes.case !== "flow" || responseTypes.case !== "flow") return;
        expect(equals(FlowSchema, responseTypes.value, event.responseTypes.value)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describeWithShared("compileFieldMask: real flows", () => {
  test("contain only the masked fields", async () => {
    const mask = compileFieldMask(["source.pod_name", "verdict"]);
    for (const { bytes } of sharedFlowFiles()) {
      for (const event of (await readLines(bytes)).events) {
        const { flow, ...envelope } = JSON.parse(encodeExportLine(mask(event)));
        const whole = JSON.parse(encodeExportLine(event)).flow;
        expect(envelope).toEqual({});
        expect(flow).toEqual({
          ...(whole.verdict && { verdict: whole.verdict }),
          source: whole.source?.pod_name ? { pod_name: whole.source.pod_name } : {},
        });
      }
    }
  });
});

test.each([
  { paths: null, issue: { path: "field_mask", message: "must be a list, not null" } },
  { paths: "uuid,time", issue: { path: "field_mask", message: 'must be a list, not "uuid,time"' } },
  { paths: [null], issue: { path: "field_mask[0]", message: "must be a string, not null" } },
  { paths: ["uuid", 1], issue: { path: "field_mask[1]", message: "must be a string, not 1" } },
  { paths: new Array(1), issue: { path: "field_mask[0]", message: "must be a string, not undefined" } },
])("checkFieldMask, compileFieldMask: report $paths with its path", ({ paths, issue }) => {
  // An untyped caller.
  const mask = paths as readonly string[];
  expect(checkFieldMask(mask)).toEqual([issue]);
  expect(() => compileFieldMask(mask)).toThrow(new FieldMaskError([issue]));
});

describe("defaultFieldMask", () => {
  test.each(HUBBLE_VERSIONS)("compiles: %s", (version) => {
    expect(checkFieldMask(defaultFieldMask(version), { hubble: version })).toEqual([]);
  });

  test("is DEFAULT_FIELD_MASK by default, and that of hubble observe v1.19.4", () => {
    expect(defaultFieldMask()).toBe(DEFAULT_FIELD_MASK);
    expect(defaultFieldMask("1.16")).toBe(DEFAULT_FIELD_MASK);
    expect(defaultFieldMask("1.19").join(",")).toBe(
      "time,verdict,ethernet,IP,l4,source.identity,source.namespace,source.pod_name,destination.identity," +
        "destination.namespace,destination.pod_name,Type,node_name,l7,event_type,source_service," +
        "destination_service,is_reply,Summary,ip_trace_id",
    );
  });

  test("of 1.19 omits what a policy verdict prints", () => {
    const flow = create(FlowSchema, {
      eventType: { type: 5 },
      trafficDirection: TrafficDirection.EGRESS,
      policyMatchType: 1,
    });
    const masked = compileFieldMask(defaultFieldMask("1.19"))(flowResponse(flow));
    expect(formatFlow(masked, { hubble: "1.19", output: "dict" })).toContain(
      "TYPE: policy-verdict:none TRAFFIC_DIRECTION_UNKNOWN",
    );
  });
});
