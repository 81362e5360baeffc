import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileFieldMask,
  encodeExportLine,
  formatFlow,
  OUTPUT_FORMATS,
  type UnknownField,
} from "../../../src/observer/index.js";
import { decodeFlow, type Flow, FlowSchema, Verdict } from "../../../src/proto.js";
import { runs } from "../../support/amount.js";
import { badLines, readLine, readLines } from "../lines.js";

const RETINA = '{"@type":"type.googleapis.com/utils.RetinaMetadata","bytes":66}';

async function flowOf(line: string): Promise<Flow> {
  const { responseTypes } = await readLine(line);
  if (responseTypes.case !== "flow") throw new Error("not a flow");
  return responseTypes.value;
}

async function notesOn(...lines: string[]): Promise<UnknownField[]> {
  const notes: UnknownField[] = [];
  await readLines(lines.join("\n"), { onUnknownField: (field) => notes.push(field) });
  return notes;
}

describe("decodeExport and encodeExportLine: unknown JSON passes through unchanged", () => {
  test.each([
    { name: "a field of a flow", line: '{"flow":{"uuid":"1","future":{"a":[{"b":1}]}}}' },
    { name: "several fields in order", line: '{"flow":{"uuid":"1","z":1,"a":"2","10":3,"9":4}}' },
    { name: "numbers with their spelling", line: '{"flow":{"x":1.0,"y":12345678901234567890,"z":1E+2}}' },
    { name: "escapes with their spelling", line: '{"flow":{"x":"\\u003c\\/<","y\\u0041":"\\ud83d\\ude00"}}' },
    { name: "a field of the envelope", line: '{"flow":{"uuid":"1"},"node_name":"n","cluster":"c"}' },
    { name: "a field of a nested message", line: '{"flow":{"source":{"identity":7,"tier":"gold"}}}' },
    {
      name: "a field of a message in a oneof",
      line: '{"flow":{"l4":{"TCP":{"source_port":1,"mptcp":true}}}}',
    },
    { name: "a new protocol", line: '{"flow":{"l4":{"QUIC":{"source_port":1}}}}' },
    { name: "fields in a list", line: '{"flow":{"source":{"workloads":[{"name":"a"},{"name":"b","x":1}]}}}' },
    { name: "an unknown name of an enum value", line: '{"flow":{"uuid":"1","verdict":"PONDERED"}}' },
    {
      name: "a field beside an agent event",
      line: '{"agent_event":{"type":"AGENT_STARTED","x":1},"cluster":"c"}',
    },
    { name: "__proto__", line: '{"flow":{"uuid":"1","__proto__":{"polluted":true}}}' },
    { name: "an extension of an unknown type", line: `{"flow":{"uuid":"1","extensions":${RETINA}}}` },
    {
      name: "a field of a known extension",
      line: '{"flow":{"extensions":{"@type":"type.googleapis.com/flow.Service","name":"s","tier":1}}}',
    },
    {
      name: "an unknown extension in a known one",
      line: `{"flow":{"extensions":{"@type":"type.googleapis.com/flow.Flow","uuid":"1","extensions":${RETINA}}}}`,
    },
    {
      name: "an extension in the format of grpcurl",
      line: '{"flow":{"extensions":{"@type":"t/a.B","@error":"a.B is not recognized","@value":"CEI="}}}',
    },
    {
      name: "a line for the slow decoder",
      line: '{"flow":{"socket_cookie":"18446744073709551615","x":{"y":1}}}',
    },
  ])("$name", async ({ line }) => {
    expect(encodeExportLine(await readLine(line))).toBe(line);
    expect({}).not.toHaveProperty("polluted");
    // The fast decoder does not support these: an extension that protobuf-es decodes, and white space around a colon.
    const thorough = line.replace('"flow":{', '"flow" : {');
    expect(encodeExportLine(await readLine(thorough))).toBe(line);
  });

  test("known fields come first, unknown ones at the end of their object", async () => {
    const line =
      '{"cluster":"c","flow":{"x":1,"source":{"tier":[1,2],"identity":7},"y":2,"uuid":"1"},"node_name":"n"}';
    expect(encodeExportLine(await readLine(line))).toBe(
      '{"flow":{"uuid":"1","source":{"identity":7,"tier":[1,2]},"x":1,"y":2},"node_name":"n","cluster":"c"}',
    );
  });

  test("a bare flow keeps unknown fields in its envelope", async () => {
    expect(encodeExportLine(await readLine('{"x":1,"verdict":"DROPPED","node_name":"n"}'))).toBe(
      '{"flow":{"verdict":"DROPPED","node_name":"n","x":1},"node_name":"n"}',
    );
  });

  test("a changed message keeps its unknown members, except for fields that were set since", async () => {
    const flow = await flowOf(`{"flow":{"verdict":"PONDERED","x":1,"extensions":${RETINA}}}`);
    flow.verdict = Verdict.DROPPED;
    flow.uuid = "u";
    flow.extensions = { ...flow.extensions!, value: Uint8Array.of(8, 66) };
    expect(encodeExportLine(flow)).toBe(
      '{"flow":{"uuid":"u","verdict":"DROPPED","extensions":{"@type":"type.googleapis.com/utils.RetinaMetadata","@value":"CEI="},"x":1}}',
    );
  });

  test("a field mask keeps unknown members of unmasked messages", async () => {
    const mask = compileFieldMask(["source", "destination.pod_name"]);
    const line = '{"flow":{"source":{"tier":1},"destination":{"pod_name":"p","tier":2},"x":3},"cluster":"c"}';
    expect(encodeExportLine(mask(await readLine(line)))).toBe(
      '{"flow":{"source":{"tier":1},"destination":{"pod_name":"p"}}}',
    );
  });

  test("any JSON value with any unknown name is preserved", async () => {
    const names = fc.string({ minLength: 1 }).map((name) => `x ${name}`);
    const unknown = fc.dictionary(names, fc.jsonValue(), { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(unknown, unknown, unknown, async (outer, flow, source) => {
        const without = (members: object) => JSON.stringify(members).slice(1, -1);
        const line = `{"flow":{"uuid":"1","source":{"identity":1,${without(source)}},${without(flow)}},${without(outer)}}`;
        const wellFormed = line.replace(/\\ud[89a-f]../g, "");
        expect(encodeExportLine(await readLine(wellFormed))).toBe(wellFormed);
        const thorough = wellFormed.replace('"flow":{', '"flow" : {');
        expect(encodeExportLine(await readLine(thorough))).toBe(wellFormed);
      }),
      { numRuns: runs(300) },
    );
  });
});

describe("decodeExport: a flow with an extension of an unknown type", () => {
  const line = `{"flow":{"uuid":"a","verdict":"DROPPED","extensions":${RETINA}},"node_name":"n"}`;

  test("has all its other fields, and the type", async () => {
    expect(await badLines(line)).toEqual([]);
    expect(await flowOf(line)).toMatchObject({
      uuid: "a",
      verdict: Verdict.DROPPED,
      extensions: { typeUrl: "type.googleapis.com/utils.RetinaMetadata", value: new Uint8Array(0) },
    });
  });

  test.each(OUTPUT_FORMATS)("is printed as %s", async (output) => {
    const text = formatFlow(await readLine(line), { output });
    if (output.startsWith("json")) expect(text).toBe(line);
    else expect(text).toContain("DROPPED");
  });

  test("that was decoded from bytes is preserved in JSON and in protobuf", async () => {
    const bytes = toBinary(
      FlowSchema,
      create(FlowSchema, { uuid: "1", extensions: { typeUrl: "x/a.B", value: Uint8Array.of(8, 66) } }),
    );
    const types: string[] = [];
    const json = encodeExportLine(decodeFlow(bytes), { onUndecodableExtension: (type) => types.push(type) });
    expect(json).toBe('{"flow":{"uuid":"1","extensions":{"@type":"x/a.B","@value":"CEI="}}}');
    expect(types).toEqual(["x/a.B"]);
    expect(toBinary(FlowSchema, await flowOf(json))).toEqual(bytes);
  });

  test.each([
    { name: "with bytes of another type", extensions: { typeUrl: "/flow.Service", value: Uint8Array.of(1) } },
    { name: "without a type", extensions: { value: Uint8Array.of(1) } },
  ])("$name is written as bytes and decoded again", async ({ extensions }) => {
    const flow = create(FlowSchema, { extensions });
    expect((await flowOf(encodeExportLine(flow))).extensions).toEqual(flow.extensions);
  });
});

describe("decodeExport: onUnknownField", () => {
  test("reports every name once, with the line of its first occurrence", async () => {
    const lines = [
      '{"flow":{"uuid":"1","a":1}}',
      '{"flow":{"uuid":"1","a":1,"source":{"a":1}},"b":{}}',
      `{"flow":{"verdict":"PONDERED","extensions":${RETINA}}}`,
      `{"flow":{"verdict":"PONDERED","extensions":${RETINA}}}`,
    ];
    expect(await notesOn(...lines)).toEqual([
      { line: 1, message: 'flow.Flow has no field "a"' },
      { line: 2, message: 'flow.Endpoint has no field "a"' },
      { line: 2, message: 'observer.GetFlowsResponse has no field "b"' },
      { line: 3, message: 'flow.Verdict has no value "PONDERED"' },
      { line: 3, message: 'extensions of type "utils.RetinaMetadata" are unknown' },
    ]);
  });

  test("limits the number and length of reports", async () => {
    const lines = Array.from(
      { length: 300 },
      (_, index) => `{"flow":{"uuid":"1","${"x".repeat(500)}${index}":1}}`,
    );
    const cut = await notesOn(...lines);
    expect(cut).toHaveLength(1);
    expect(cut[0]!.message.length).toBeLessThan(300);
    const names = Array.from({ length: 300 }, (_, index) => `{"flow":{"uuid":"1","x${index}":1}}`);
    const notes = await notesOn(...names);
    expect(notes).toHaveLength(101);
    expect(notes.at(-1)!.message).toBe("more unknown fields, which are not reported");
  });
});
