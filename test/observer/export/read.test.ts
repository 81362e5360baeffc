import {
  create,
  type DescMessage,
  equals,
  fromJson,
  fromJsonString,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { anyUnpack, Int64ValueSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeFlow,
  type ExportEvent,
  ExportEventSchema,
  FlowSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../../src/proto.js";
import { encodedFlows } from "../../bench/inputs/corpus.js";
import { everyNth, nth, runs } from "../../support/amount.js";
import { arbitraryMessage } from "../../support/arbitrary-message.js";
import { badLines, readLine } from "../lines.js";

type AnyEvent = GetFlowsResponse | ExportEvent;

const bytesOf = (event: AnyEvent) =>
  event.$typeName === "observer.ExportEvent"
    ? toBinary(ExportEventSchema, event)
    : toBinary(GetFlowsResponseSchema, event);

/** The flow of a line with a single field. */
async function flowWith(field: string) {
  const { responseTypes } = await readLine(`{"flow":{${field}}}`);
  if (responseTypes.case !== "flow") throw new Error("no flow");
  return responseTypes.value;
}

describe("readLine: kinds of lines", () => {
  test.each([
    {
      line: '{"flow":{},"node_name":"n","time":"2024-01-01T00:00:00Z"}',
      type: "observer.GetFlowsResponse",
      holds: "flow",
    },
    { line: '{"lost_events":{}}', type: "observer.GetFlowsResponse", holds: "lostEvents" },
    { line: '{"nodeStatus":{}}', type: "observer.GetFlowsResponse", holds: "nodeStatus" },
    { line: '{"agent_event":{},"node_name":"n"}', type: "observer.ExportEvent", holds: "agentEvent" },
    { line: '{"node_name":"n","debugEvent":{}}', type: "observer.ExportEvent", holds: "debugEvent" },
    { line: '{"verdict":"DROPPED"}', type: "observer.GetFlowsResponse", holds: "flow" },
    { line: '{"node_name":"n","nodeLabels":[]}', type: "observer.GetFlowsResponse", holds: "flow" },
    { line: '{"flow":{},"verdict":"DROPPED"}', type: "observer.GetFlowsResponse", holds: "flow" },
  ])("reads $line", async ({ line, type, holds }) => {
    const event = await readLine(line);
    expect(event.$typeName).toBe(type);
    expect(event.responseTypes.case).toBe(holds);
  });

  test.each(["{}", '{"node_name":"n","time":"2024-01-01T00:00:00Z"}', '{"nonsense":1}', '{"flows":1}'])(
    "rejects %s, which contains no event",
    async (line) => {
      expect(await badLines(line)).toEqual([
        "line 1: no event: neither flow, lost_events, node_status, agent_event nor debug_event",
      ]);
    },
  );

  test("copies the time and the node name of a bare flow to its envelope", async () => {
    const line = '{"time":"2024-01-01T00:00:00.5Z","node_name":"a/n","verdict":"DROPPED"}';
    const { nodeName, time, responseTypes } = await readLine(line);
    expect(nodeName).toBe("a/n");
    expect(time).toEqual(create(TimestampSchema, { seconds: 1_704_067_200n, nanos: 500_000_000 }));
    expect(responseTypes.value).toMatchObject({ nodeName: "a/n", verdict: 2 });
  });
});

describe("readLine: fields", () => {
  test.each([
    ['"node_name":"n"', { nodeName: "n" }],
    ['"nodeName":"n"', { nodeName: "n" }],
    ['"verdict":2', { verdict: 2 }],
    ['"verdict":77', { verdict: 77 }],
    ['"verdict":null', { verdict: 0 }],
    ['"socket_cookie":"18446744073709551615"', { socketCookie: 2n ** 64n - 1n }],
    ['"socket_cookie":18446744073709551615', { socketCookie: 2n ** 64n - 1n }],
    ['"socket_cookie":9007199254740993', { socketCookie: 9_007_199_254_740_993n }],
    ['"socket_cookie":1e3', { socketCookie: 1000n }],
    ['"socket_cookie":7', { socketCookie: 7n }],
    ['"socket_cookie":1.8446744073709551615e19', { socketCookie: 2n ** 64n - 1n }],
    ['"socket_cookie":9007199254740993.0', { socketCookie: 9_007_199_254_740_993n }],
    ['"drop_reason":"133"', { dropReason: 133 }],
    ['"is_reply":false', { isReply: false }],
    ['"is_reply":null', { isReply: undefined }],
    ['"node_labels":null', { nodeLabels: [] }],
    ['"node_labels":["a",""]', { nodeLabels: ["a", ""] }],
    ['"Summary" : "spaces"', { Summary: "spaces" }],
    ['"Summary":":\\":,\\"::"', { Summary: ':":,"::' }],
    ['"Summary":"\\ud83d\\ude00"', { Summary: "😀" }],
    ['"IP":{"source":"::1"}', { IP: { source: "::1" } }],
    ['"time":"2024-02-29T23:59:59.123456789Z"', { time: { seconds: 1_709_251_199n, nanos: 123_456_789 } }],
    ['"time":"2024-01-01T01:00:00+01:00"', { time: { seconds: 1_704_067_200n, nanos: 0 } }],
    ['"time":"0001-01-01T00:00:00Z"', { time: { seconds: -62_135_596_800n, nanos: 0 } }],
    [
      '"l4":{"TCP":{"flags":{"SYN":true}}}',
      { l4: { protocol: { case: "TCP", value: { flags: { SYN: true } } } } },
    ],
    ['"l4":{"TCP":null,"UDP":{}}', undefined],
    [
      '"extensions":{"@type":"type.googleapis.com/flow.Service","name":"s"}',
      { extensions: { value: Uint8Array.of(10, 1, 115) } },
    ],
  ])("reads %s", async (field, wanted) => {
    if (wanted === undefined) expect(await badLines(`{"flow":{${field}}}`)).toHaveLength(1);
    else expect(await flowWith(field)).toMatchObject(wanted);
  });

  test.each([
    '"node_name":1',
    '"node_name":"a","nodeName":"b"',
    '"node_name":"a","nodeName":null',
    '"node_name":"a","node_name":"b"',
    '"node_name":"a","node\\u005fname":"b"',
    '"l4":{"TCP":{},"UDP":{}}',
    '"l4":[]',
    '"l4":"TCP"',
    '"node_labels":["a",null]',
    '"node_labels":"a"',
    '"node_labels":[1]',
    '"verdict":1.5',
    '"verdict":4294967296',
    '"drop_reason":-1',
    '"drop_reason":4294967296',
    '"drop_reason":1.5',
    '"socket_cookie":-1',
    '"socket_cookie":"18446744073709551616"',
    '"socket_cookie":18446744073709551616',
    '"socket_cookie":""',
    '"reply":"true"',
    '"is_reply":0',
    '"time":0',
    '"time":""',
    '"time":"2024-01-01"',
    '"time":"2024-01-01T00:00:00"',
    '"time":"2024-02-30T00:00:00Z"',
    '"time":"2023-02-29T00:00:00Z"',
    '"time":"2024-13-01T00:00:00Z"',
    '"time":"2024-01-01T24:00:00Z"',
    '"time":"2024-01-01T00:00:60Z"',
    '"time":"2024-01-01T00:00:00.Z"',
    '"time":"2024-01-01T00:00:00.1234567890Z"',
    '"time":"0000-01-01T00:00:00Z"',
    '"time":"2O24-01-01T00:00:00Z"',
    '"Summary":"\\ud800"',
    '"extensions":{"@type":""}',
    '"extensions":{"@type":1}',
    '"extensions":{"name":"s"}',
    '"uuid":1234567890123456',
    '"uuid":123456789012345',
    '"verdict":1234567890123456',
    '"verdict":123456789012345',
    '"node_labels":[1234567890123456]',
    '"reply":1234567890123456',
    '"time":1234567890123456',
    '"drop_reason":1234567890123456',
    '"socket_cookie":18446744073709551615.5',
    '"socket_cookie":1e999999999',
    '"extensions":{"@type":"/google.protobuf.StringValue","value":1234567890123456}',
    '"extensions":[]',
  ])("rejects a line with %s", async (field) => {
    const [message, ...others] = await badLines(`{"flow":{${field}}}`);
    expect(message).toMatch(/^line 1: ./);
    expect(others).toEqual([]);
  });
});

/** The JSON of an event in one of its forms. */
const forms = fc.record({
  useProtoFieldName: fc.boolean(),
  enumAsInteger: fc.boolean(),
  alwaysEmitImplicit: fc.boolean(),
});

describe("readLine: compared with protobuf-es", () => {
  test(`reads every flow of the corpus the same${nth(10)}`, async () => {
    for (const bytes of everyNth(10, [...encodedFlows()])) {
      const flow = decodeFlow(bytes);
      const json = JSON.stringify(toJson(FlowSchema, flow, { useProtoFieldName: true }));
      const { responseTypes } = await readLine(`{"flow":${json}}`);
      expect(equals(FlowSchema, responseTypes.value as typeof flow, flow)).toBe(true);
    }
  });

  test("reads any event the same, in every form", async () => {
    const events = fc
      .oneof(arbitraryMessage(ExportEventSchema), arbitraryMessage(GetFlowsResponseSchema))
      .filter(({ responseTypes }) => responseTypes.case !== undefined);
    await fc.assert(
      fc.asyncProperty(events, forms, async (event, options) => {
        const schema =
          event.$typeName === "observer.ExportEvent" ? ExportEventSchema : GetFlowsResponseSchema;
        const json = toJson(schema as DescMessage, event, options);
        expect(bytesOf(await readLine(JSON.stringify(json)))).toEqual(bytesOf(event));
      }),
      { numRuns: runs(400) },
    );
  });

  test("reads any flow the same without an envelope", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryMessage(FlowSchema), forms, async (flow, options) => {
        flow.uuid ||= "u";
        const { responseTypes } = await readLine(JSON.stringify(toJson(FlowSchema, flow, options)));
        expect(toBinary(FlowSchema, responseTypes.value as typeof flow)).toEqual(toBinary(FlowSchema, flow));
      }),
      { numRuns: runs(200) },
    );
  });

  test("accepts and rejects the same modified JSON", async () => {
    const flows = arbitraryMessage(FlowSchema, { depth: 3 });
    await fc.assert(
      fc.asyncProperty(
        flows,
        forms,
        fc.infiniteStream(fc.nat()),
        strange,
        async (flow, options, dice, value) => {
          const json = { flow: toJson(FlowSchema, flow, options) } as JsonObject;
          const line = JSON.stringify(tamper(json, dice, value));
          const wanted = outcomeOfProtobufEs(line);
          const seen = await readLine(line).then(bytesOf, () => undefined);
          expect(seen).toEqual(wanted);
        },
      ),
      { numRuns: runs(1000) },
    );
  });
});

/** Replacement values; no integers beyond 2^53, which readLine reads exactly. */
const strange: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue[]>(
    null,
    true,
    0,
    -0,
    1,
    -1,
    1.5,
    2 ** 31,
    2 ** 32,
    1e300,
    "",
    "1",
    "-1",
    "1.0",
    "0x1",
    " 1",
    "01",
    "NaN",
  ),
  fc.constantFrom<JsonValue[]>(
    [],
    {},
    [null],
    [[]],
    { "": null },
    { source: null },
    { TCP: {}, UDP: {} },
    { TCP: {}, udp: null },
  ),
  fc.constantFrom<JsonValue[]>(
    "DROPPED",
    "L7",
    "2024-01-01T00:00:00.10Z",
    "2024-01-01T00:00:00-01:30",
    "2024-01-01",
    "\ud800",
    "::1",
  ),
  fc
    .jsonValue({ maxDepth: 2 })
    .filter((json) => !/[0-9]{16}/.test(JSON.stringify(json))) as fc.Arbitrary<JsonValue>,
);

/** Inserts a value at a random position, under an existing name or that of another field. */
function tamper(json: JsonObject, dice: Iterator<number>, value: JsonValue): JsonObject {
  let at: JsonObject = json.flow as JsonObject;
  for (;;) {
    const names = [...Object.keys(at), "__proto__", "l4", "nodeName", "time", "is_reply"];
    const name = names[dice.next().value % names.length]!;
    const inner = Object.hasOwn(at, name) ? at[name] : undefined;
    const objects = [inner]
      .flat()
      .filter((one) => typeof one === "object" && one !== null && !Array.isArray(one));
    if (objects.length > 0 && dice.next().value % 3 > 0) {
      at = objects[dice.next().value % objects.length] as JsonObject;
      continue;
    }
    const changed = Array.isArray(inner) && dice.next().value % 2 === 0 ? [...inner, value] : value;
    Object.defineProperty(at, name, { value: changed, enumerable: true, configurable: true, writable: true });
    return json;
  }
}

/** The bytes of the message as Hubble parses it: strictly, then ignoring unknown fields. */
function outcomeOfProtobufEs(line: string): Uint8Array | undefined {
  for (const ignoreUnknownFields of [false, true]) {
    try {
      const message: MessageShape<typeof GetFlowsResponseSchema> = fromJsonString(
        GetFlowsResponseSchema,
        line,
        {
          ignoreUnknownFields,
        },
      );
      return toBinary(GetFlowsResponseSchema, message);
    } catch {
      // Parse again and ignore unknown fields, or fail.
    }
  }
  return undefined;
}

describe("readLine: 64-bit integers", () => {
  const integers = fc.oneof(fc.bigInt(-(2n ** 70n), 2n ** 70n), fc.bigInt(-(2n ** 55n), 2n ** 55n));

  test("are exact in every form of a JSON number, and out of range where bigints are", async () => {
    await fc.assert(
      fc.asyncProperty(integers, fc.nat(4), fc.boolean(), async (integer, zeros, negativeExponent) => {
        const digits = String(integer);
        const json = negativeExponent
          ? `${digits}${"0".repeat(integer === 0n ? 0 : zeros)}e-${zeros}`
          : `${digits}.${"0".repeat(zeros + 1)}`;
        const outcome = await flowWith(`"socket_cookie":${json}`).then(
          ({ socketCookie }) => socketCookie,
          () => undefined,
        );
        expect(outcome).toBe(integer >= 0n && integer < 2n ** 64n ? integer : undefined);
      }),
      { numRuns: runs(300) },
    );
  });

  test("are exact inside extensions, including signed ones", async () => {
    await fc.assert(
      fc.asyncProperty(integers, async (integer) => {
        const json = `"extensions":{"@type":"/google.protobuf.Int64Value","value":${integer}}`;
        const outcome = await flowWith(json).then(
          ({ extensions }) => anyUnpack(extensions!, Int64ValueSchema)?.value,
          () => undefined,
        );
        expect(outcome).toBe(BigInt.asIntN(64, integer) === integer ? integer : undefined);
      }),
      { numRuns: runs(300) },
    );
  });
});

test("readLine: reads numbers exactly that protobuf-es rounds", async () => {
  const json = JSON.parse('{"flow":{"socket_cookie":9007199254740993}}');
  const { responseTypes } = fromJson(GetFlowsResponseSchema, json);
  expect(responseTypes.value).toMatchObject({ socketCookie: 9_007_199_254_740_992n });
  expect(await flowWith('"socket_cookie":9007199254740993')).toMatchObject({
    socketCookie: 9_007_199_254_740_993n,
  });
});
