import {
  create,
  type DescMessage,
  type JsonValue,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  anyPack,
  DurationSchema,
  EmptySchema,
  StructSchema,
  TimestampSchema,
  UInt32ValueSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeExport, ExportError, encodeExportLine, flowResponse } from "../../../src/observer/index.js";
import {
  decodeFlow,
  ExportEventSchema,
  FlowSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
  ServerStatusResponseSchema,
  ServiceSchema,
} from "../../../src/proto.js";
import { encodedFlows } from "../../bench/inputs/corpus.js";
import { amount, everyNth, nth, runs } from "../../support/amount.js";
import { arbitraryMessage } from "../../support/arbitrary-message.js";
import { describeWithShared } from "../../support/shared.js";
import { readLine, sharedFlowFiles } from "../lines.js";

type FlowInit = MessageInitShape<typeof FlowSchema>;

const lineOf = (flow: FlowInit) =>
  encodeExportLine(create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: flow } }));
const inside = (fields: string) => `{"flow":{${fields}}}`;

/** The same JSON with the fields of messages in the order of declaration; protobuf-es sorts by number. */
function declared(schema: DescMessage, json: JsonValue): JsonValue {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const ordered: [string, JsonValue][] = [];
  for (const { name, message } of schema.fields) {
    const value = json[name];
    if (value === undefined) continue;
    if (message === undefined) ordered.push([name, value]);
    else if (!Array.isArray(value)) ordered.push([name, declared(message, value)]);
    else ordered.push([name, value.map((element) => declared(message, element))]);
  }
  return Object.fromEntries(ordered);
}

/** The JSON with the escapes of Go's encoding/json. */
function escapeAsGo(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

describeWithShared("encodeExportLine: real flows", () => {
  test("are printed byte for byte", async () => {
    let lines = 0;
    for (const { name, bytes } of sharedFlowFiles()) {
      const wanted = new TextDecoder().decode(bytes).trimEnd().split("\n");
      const printed: string[] = [];
      for await (const event of decodeExport(bytes)) printed.push(encodeExportLine(event));
      expect(printed, name).toEqual(wanted);
      lines += printed.length;
    }
    expect(lines).toBe(1906);
  });
});

describe("encodeExportLine", () => {
  test.each([
    { name: "an empty flow", flow: {}, json: "" },
    {
      name: "fields in the order of declaration",
      flow: { verdict: 1, uuid: "u", Summary: "s", nodeName: "n", Type: 1 },
      json: '"uuid":"u","verdict":"FORWARDED","Type":"L3_L4","node_name":"n","Summary":"s"',
    },
    {
      name: "no zero values",
      flow: { uuid: "", dropReason: 0, reply: false, socketCookie: 0n },
      json: "",
    },
    { name: "empty messages", flow: { source: {}, l4: {} }, json: '"l4":{},"source":{}' },
    {
      name: "wrappers that are false or zero",
      flow: { isReply: false },
      json: '"is_reply":false',
    },
    {
      name: "64-bit integers as strings",
      flow: { socketCookie: 2n ** 64n - 1n },
      json: '"socket_cookie":"18446744073709551615"',
    },
    { name: "an unknown enum number", flow: { verdict: 99 }, json: '"verdict":99' },
    { name: "a negative enum number", flow: { verdict: -1 }, json: '"verdict":-1' },
    {
      name: "a oneof",
      flow: { l4: { protocol: { case: "ICMPv6", value: { type: 128 } } } } as const,
      json: '"l4":{"ICMPv6":{"type":128}}',
    },
    {
      name: "a time without a fraction",
      flow: { time: create(TimestampSchema, { seconds: 1_718_000_000n }) },
      json: '"time":"2024-06-10T06:13:20Z"',
    },
    {
      name: "milliseconds",
      flow: { time: create(TimestampSchema, { nanos: 10_000_000 }) },
      json: '"time":"1970-01-01T00:00:00.010Z"',
    },
    {
      name: "microseconds",
      flow: { time: create(TimestampSchema, { nanos: 1_000 }) },
      json: '"time":"1970-01-01T00:00:00.000001Z"',
    },
    {
      name: "nanoseconds",
      flow: { time: create(TimestampSchema, { seconds: -62_135_596_800n, nanos: 1 }) },
      json: '"time":"0001-01-01T00:00:00.000000001Z"',
    },
    {
      name: "HTML and line separators as Go does",
      flow: { Summary: "<a href='x'>&amp;</a>\u2028\u2029" },
      json: `"Summary":"\\u003ca href='x'\\u003e\\u0026amp;\\u003c/a\\u003e\\u2028\\u2029"`,
    },
    {
      name: "controls, quotes and backslashes",
      flow: { Summary: '\u0000\b\t\n\f\r\u001b"\\\u007f/' },
      json: '"Summary":"\\u0000\\b\\t\\n\\f\\r\\u001b\\"\\\\\u007f/"',
    },
    { name: "other characters unescaped", flow: { Summary: "é€😀" }, json: '"Summary":"é€😀"' },
    {
      name: "unpaired surrogates as U+FFFD",
      flow: { Summary: "a\ud800b\udc00\\ud800" },
      json: '"Summary":"a\ufffdb\ufffd\\\\ud800"',
    },
    {
      name: "an extension",
      flow: { extensions: anyPack(ServiceSchema, create(ServiceSchema, { name: "a<b" })) },
      json: '"extensions":{"@type":"type.googleapis.com/flow.Service","name":"a\\u003cb"}',
    },
    {
      name: "an extension without fields",
      flow: { extensions: anyPack(ServiceSchema, create(ServiceSchema)) },
      json: '"extensions":{"@type":"type.googleapis.com/flow.Service"}',
    },
    {
      name: "an extension of a well-known type",
      flow: {
        extensions: anyPack(DurationSchema, create(DurationSchema, { seconds: -1n, nanos: -500_000_000 })),
      },
      json: '"extensions":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"-1.500s"}',
    },
    {
      name: "an empty well-known type as Go does",
      flow: { extensions: anyPack(EmptySchema, create(EmptySchema)) },
      json: '"extensions":{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}',
    },
    {
      name: "a wrapper in an extension",
      flow: { extensions: anyPack(UInt32ValueSchema, create(UInt32ValueSchema, { value: 7 })) },
      json: '"extensions":{"@type":"type.googleapis.com/google.protobuf.UInt32Value","value":7}',
    },
    {
      name: "a struct extension with sorted names",
      flow: {
        extensions: anyPack(
          StructSchema,
          create(StructSchema, {
            fields: {
              "\u{10000}": { kind: { case: "stringValue", value: ">" } },
              "\uffff": { kind: { case: "boolValue", value: true } },
              a: { kind: { case: "nullValue", value: 0 } },
            },
          }),
        ),
      },
      json: '"extensions":{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":null,"\uffff":true,"\u{10000}":"\\u003e"}}',
    },
    { name: "an Any without a type", flow: { extensions: {} }, json: '"extensions":{}' },
  ])("prints $name", ({ flow, json }) => {
    expect(lineOf(flow as FlowInit)).toBe(inside(json));
  });

  test.each([
    [1.5, "1.5"],
    [1e21, "1e+21"],
    [1e-7, "1e-7"],
    [0.000001, "0.000001"],
    [Number.NaN, '"NaN"'],
    [Number.POSITIVE_INFINITY, '"Infinity"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    [-0, "-0"],
  ])("prints the fraction %d as %s", (flowsRate, json) => {
    const extensions = anyPack(ServerStatusResponseSchema, create(ServerStatusResponseSchema, { flowsRate }));
    expect(lineOf({ extensions })).toContain(`"flows_rate":${json}}`);
  });

  test("prints the event before the node name and the time", () => {
    const event = create(ExportEventSchema, {
      nodeName: "n",
      time: create(TimestampSchema),
      responseTypes: { case: "lostEvents", value: { source: 3, numEventsLost: 2n, cpu: 0 } },
    });
    expect(encodeExportLine(event)).toBe(
      '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"2","cpu":0},"node_name":"n","time":"1970-01-01T00:00:00Z"}',
    );
  });

  test.each([
    {
      name: "a time before the year 1",
      flow: { time: create(TimestampSchema, { seconds: -62_135_596_801n }) },
    },
    {
      name: "a time after the year 9999",
      flow: { time: create(TimestampSchema, { seconds: 253_402_300_800n }) },
    },
    { name: "a time with too many nanoseconds", flow: { time: create(TimestampSchema, { nanos: 1e9 }) } },
    {
      name: "a time with negative nanoseconds",
      flow: { time: create(TimestampSchema, { seconds: 10n ** 15n, nanos: -5 }) },
    },
  ])("rejects $name, which has no JSON form", ({ flow }) => {
    expect(() => lineOf(flow)).toThrow(ExportError);
    expect(() => lineOf(flow)).toThrow(expect.objectContaining({ code: "unencodable_event" }));
  });

  const cyclic = create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: {} } });
  // Invalid messages, which untyped callers can create.
  cyclic.responseTypes.value = cyclic as never;

  test.each([
    {
      name: "an unknown case of a oneof",
      event: {
        ...create(GetFlowsResponseSchema),
        responseTypes: { case: "flows", value: create(FlowSchema) },
      },
      message: 'observer.GetFlowsResponse: responseTypes has no case "flows"',
    },
    {
      name: "a cyclic message",
      event: cyclic,
      message: expect.stringMatching(/^not a valid observer\.GetFlowsResponse message: /),
    },
    {
      name: "a field of another type",
      event: create(GetFlowsResponseSchema, {
        responseTypes: { case: "flow", value: { ...create(FlowSchema), sourceNames: null as never } },
      }),
      message: expect.stringMatching(/^not a valid observer\.GetFlowsResponse message: /),
    },
    {
      name: "a time without seconds",
      event: { ...create(GetFlowsResponseSchema), time: { $typeName: "google.protobuf.Timestamp" } },
      message: "google.protobuf.Timestamp: seconds out of range undefined",
    },
  ])("throws an ExportError for $name, and formats the next event", ({ event, message }) => {
    const encode = () => encodeExportLine(event as unknown as GetFlowsResponse);
    expect(encode).toThrow(ExportError);
    expect(encode).toThrow(expect.objectContaining({ code: "unencodable_event", message }));
    expect(lineOf({ uuid: "2" })).toBe(inside('"uuid":"2"'));
  });

  test("encodes events of any length in succession", () => {
    for (const length of [
      1,
      16_000,
      16_384,
      100_000,
      amount({ quick: 300_000, long: 3_000_000 }),
      5,
      40_000,
    ]) {
      for (const character of ["x", "<", "é", "😀"]) {
        const Summary = character.repeat(length);
        expect(lineOf({ Summary, policyLog: [Summary] })).toBe(
          escapeAsGo(inside(`"Summary":"${Summary}","policy_log":["${Summary}"]`)),
        );
      }
    }
  });

  test("an event that fails does not affect the next", () => {
    expect(() => lineOf({ uuid: "a", time: create(TimestampSchema, { nanos: 1e9 }) })).toThrow();
    expect(lineOf({ uuid: "b" })).toBe(inside('"uuid":"b"'));
  });

  test("deeply nested extensions do not exhaust the stack", () => {
    let flow = create(FlowSchema);
    for (let depth = 0; depth < 200; depth++)
      flow = create(FlowSchema, { extensions: anyPack(FlowSchema, flow) });
    expect(lineOf(flow)).toContain('{"@type":"type.googleapis.com/flow.Flow","@value":"');
  });

  test("prints any event as protobuf-es does, except for Go's order and escapes", () => {
    const events = fc.oneof(arbitraryMessage(ExportEventSchema), arbitraryMessage(GetFlowsResponseSchema));
    fc.assert(
      fc.property(events, (event) => {
        const schema =
          event.$typeName === "observer.ExportEvent" ? ExportEventSchema : GetFlowsResponseSchema;
        const json = toJson(schema as DescMessage, event, { useProtoFieldName: true });
        expect(encodeExportLine(event)).toBe(escapeAsGo(JSON.stringify(declared(schema, json))));
      }),
      { numRuns: runs(500) },
    );
  });

  test(`prints every flow of the corpus as protobuf-es does, except for Go's order and escapes${nth(10)}`, () => {
    for (const bytes of everyNth(10, [...encodedFlows()])) {
      const flow = decodeFlow(bytes);
      const json = declared(FlowSchema, toJson(FlowSchema, flow, { useProtoFieldName: true }));
      expect(lineOf(flow)).toBe(escapeAsGo(`{"flow":${JSON.stringify(json)}}`));
    }
  });

  test("decodes to the same event, including extensions", async () => {
    const packed = [ServiceSchema, DurationSchema, TimestampSchema, UInt32ValueSchema];
    const events = arbitraryMessage(ExportEventSchema, { packed }).filter(
      ({ responseTypes }) => responseTypes.case !== undefined,
    );
    await fc.assert(
      fc.asyncProperty(events, async (event) => {
        const read = await readLine(encodeExportLine(event));
        const schema = read.$typeName === "observer.ExportEvent" ? ExportEventSchema : GetFlowsResponseSchema;
        expect(toBinary<typeof schema>(schema, read as never)).toEqual(toBinary(ExportEventSchema, event));
      }),
      { numRuns: runs(300) },
    );
  });
});

test("encodeExportLine: writes a bare flow in Hubble's envelope", () => {
  const flow = create(FlowSchema, { uuid: "a", nodeName: "n", time: { seconds: 5n } });
  expect(encodeExportLine(flow)).toBe(encodeExportLine(flowResponse(flow)));
  expect(encodeExportLine(flow)).toContain('"node_name":"n","time":"1970-01-01T00:00:05Z"}');
});

test("encodeExportLine: rejects values that are not messages", () => {
  expect(() => encodeExportLine({ uuid: "a" } as never)).toThrow(
    "encodeExportLine: event must be a message of type GetFlowsResponse, ExportEvent or Flow, not an object (make messages",
  );
});
