import { create, createFileRegistry, createRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AnySchema,
  anyPack,
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FieldMaskSchema,
  FileDescriptorSetSchema,
  FloatValueSchema,
  Int32ValueSchema,
  Int64ValueSchema,
  ListValueSchema,
  StringValueSchema,
  TimestampSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { encodeExportLine } from "../../../src/observer/index.js";
import { type Flow, FlowSchema, GetFlowsResponseSchema } from "../../../src/proto.js";
import { readLine, readLines } from "../lines.js";

type Any = NonNullable<Flow["extensions"]>;

function lineWith(extensions: Any): string {
  const flow = create(FlowSchema, { extensions });
  return `${encodeExportLine(create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: flow } }), { registry })}`;
}

const { STRING, INT32, MESSAGE } = FieldDescriptorProto_Type;
const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
type Field = Exclude<MessageInitShape<typeof FieldDescriptorProtoSchema>, FieldDescriptorProto>;

/** A map entry as protoc describes it. */
function entry(name: string, key: FieldDescriptorProto_Type, value: FieldDescriptorProto_Type) {
  const field: Field[] = [
    { name: "key", jsonName: "key", number: 1, type: key, label: OPTIONAL },
    { name: "value", jsonName: "value", number: 2, type: value, label: OPTIONAL },
  ];
  return { name, field, options: { mapEntry: true } };
}

/** A message with maps, which Hubble's messages do not use. */
const files = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      {
        name: "custom.proto",
        package: "custom",
        syntax: "proto3",
        messageType: [
          {
            name: "Maps",
            field: [
              {
                name: "by_text",
                jsonName: "byText",
                number: 2,
                type: MESSAGE,
                label: REPEATED,
                typeName: ".custom.Maps.ByTextEntry",
              },
              {
                name: "by_number",
                jsonName: "byNumber",
                number: 1,
                type: MESSAGE,
                label: REPEATED,
                typeName: ".custom.Maps.ByNumberEntry",
              },
            ],
            nestedType: [entry("ByTextEntry", STRING, INT32), entry("ByNumberEntry", INT32, STRING)],
          },
        ],
      },
    ],
  }),
);
const MapsSchema = files.getMessage("custom.Maps")!;
const registry = createRegistry(
  MapsSchema,
  FieldDescriptorProtoSchema,
  ...[
    BoolValueSchema,
    BytesValueSchema,
    DoubleValueSchema,
    FloatValueSchema,
    Int32ValueSchema,
    Int64ValueSchema,
  ],
  ...[StringValueSchema, FieldMaskSchema, ValueSchema, ListValueSchema],
);

describe("encodeExportLine: extensions of any type", () => {
  test.each([
    [anyPack(FloatValueSchema, create(FloatValueSchema, { value: Math.fround(0.1) })), "0.1"],
    [anyPack(FloatValueSchema, create(FloatValueSchema, { value: 16_777_216 })), "16777216"],
    [anyPack(FloatValueSchema, create(FloatValueSchema, { value: 3.4028234663852886e38 })), "3.4028235e+38"],
    [anyPack(FloatValueSchema, create(FloatValueSchema, { value: Number.NaN })), '"NaN"'],
    [anyPack(DoubleValueSchema, create(DoubleValueSchema, { value: 0.1 + 0.2 })), "0.30000000000000004"],
    [anyPack(Int32ValueSchema, create(Int32ValueSchema, { value: -2_147_483_648 })), "-2147483648"],
    [anyPack(Int32ValueSchema, create(Int32ValueSchema, { value: 2_147_483_647 })), "2147483647"],
    [anyPack(Int32ValueSchema, create(Int32ValueSchema)), "0"],
    [anyPack(Int64ValueSchema, create(Int64ValueSchema, { value: -(2n ** 63n) })), '"-9223372036854775808"'],
    [anyPack(BoolValueSchema, create(BoolValueSchema)), "false"],
    [anyPack(StringValueSchema, create(StringValueSchema, { value: "&" })), '"\\u0026"'],
    [anyPack(BytesValueSchema, create(BytesValueSchema, { value: Uint8Array.of(251, 255) })), '"+/8="'],
    [anyPack(FieldMaskSchema, create(FieldMaskSchema, { paths: ["a_b.c", "d"] })), '"aB.c,d"'],
    [anyPack(ValueSchema, create(ValueSchema, { kind: { case: "numberValue", value: -0 } })), "-0"],
    [
      anyPack(
        ListValueSchema,
        create(ListValueSchema, { values: [{ kind: { case: "stringValue", value: "<" } }] }),
      ),
      '["\\u003c"]',
    ],
  ])("prints well-known types in their JSON form: %#", (extensions, value) => {
    expect(lineWith(extensions)).toBe(
      `{"flow":{"extensions":{"@type":"${extensions.typeUrl}","value":${value}}}}`,
    );
  });

  test("prints zero values that are set in fields with presence", () => {
    const field = create(FieldDescriptorProtoSchema, { name: "", number: 0, label: OPTIONAL });
    expect(lineWith(anyPack(FieldDescriptorProtoSchema, field))).toBe(
      '{"flow":{"extensions":{"@type":"type.googleapis.com/google.protobuf.FieldDescriptorProto","name":"","number":0,"label":"LABEL_OPTIONAL"}}}',
    );
  });

  test("prints map keys in the order of their bytes or numbers", () => {
    const maps = create(MapsSchema, {
      byText: { b: 2, "\u{10000}": 4, a: 1, "\uffff": 3, "<": 0 },
      byNumber: { "10": "ten", "-1": "minus one", "9": "nine" },
    } as MessageInitShape<typeof MapsSchema>);
    expect(lineWith(anyPack(MapsSchema, maps))).toBe(
      '{"flow":{"extensions":{"@type":"type.googleapis.com/custom.Maps",' +
        '"by_text":{"\\u003c":0,"a":1,"b":2,"\uffff":3,"\u{10000}":4},"by_number":{"-1":"minus one","9":"nine","10":"ten"}}}}',
    );
  });

  test("are decoded from the printed JSON", async () => {
    const maps = create(MapsSchema, { byText: { a: 1 } } as MessageInitShape<typeof MapsSchema>);
    const line = lineWith(anyPack(MapsSchema, maps));
    const event = await readLine(line, { registry });
    expect(encodeExportLine(event, { registry })).toBe(line);
  });
});

describe("extensions whose content has no JSON form", () => {
  const bad: { name: string; extensions: Any }[] = [
    {
      name: "a duration out of range",
      extensions: anyPack(DurationSchema, create(DurationSchema, { seconds: 2n ** 62n })),
    },
    {
      name: "a time out of range",
      extensions: anyPack(TimestampSchema, create(TimestampSchema, { seconds: 10n ** 15n, nanos: -5 })),
    },
    {
      name: "a value that is NaN",
      extensions: anyPack(
        ValueSchema,
        create(ValueSchema, { kind: { case: "numberValue", value: Number.NaN } }),
      ),
    },
    { name: "a Value without a kind", extensions: anyPack(ValueSchema, create(ValueSchema)) },
    {
      name: "a list of infinity",
      extensions: anyPack(
        ListValueSchema,
        create(ListValueSchema, {
          values: [{ kind: { case: "numberValue", value: Number.NEGATIVE_INFINITY } }],
        }),
      ),
    },
    {
      name: "a path without a lowerCamelCase form",
      extensions: anyPack(FieldMaskSchema, create(FieldMaskSchema, { paths: ["A__b"] })),
    },
  ];

  test.each(bad)("encodeExportLine: writes $name as bytes, and reports its type", async ({ extensions }) => {
    const types: string[] = [];
    const { typeUrl, value } = extensions;
    const onUndecodableExtension = (type: string) => types.push(type);
    const line = encodeExportLine(create(FlowSchema, { uuid: "1", extensions }), { onUndecodableExtension });
    const json = { "@type": typeUrl, "@value": Buffer.from(value).toString("base64") };
    expect(JSON.parse(line)).toEqual({ flow: { uuid: "1", extensions: json } });
    expect(types).toEqual([typeUrl]);
    const event = await readLine(line);
    expect(event.responseTypes.value).toMatchObject({ extensions: { typeUrl, value } });
  });

  test.each(bad)("encodeExportLine: writes only the inner extension as bytes: $name", ({ extensions }) => {
    const types: string[] = [];
    const onUndecodableExtension = (type: string) => types.push(type);
    const flow = create(FlowSchema, { extensions: anyPack(AnySchema, extensions) });
    const { flow: json } = JSON.parse(encodeExportLine(flow, { onUndecodableExtension }));
    expect(json.extensions["@type"]).toBe("type.googleapis.com/google.protobuf.Any");
    expect(Object.keys(json.extensions.value)).toEqual(["@type", "@value"]);
    expect(types).toEqual([extensions.typeUrl]);
  });

  test("encodeExportLine: reports an outer extension written as bytes without those inside", () => {
    const types: string[] = [];
    const unknown = {
      $typeName: "google.protobuf.Any",
      typeUrl: "t/unknown",
      value: Uint8Array.of(1),
    } as const;
    const inner = create(FlowSchema, {
      time: { seconds: 10n ** 15n },
      extensions: unknown,
    });
    encodeExportLine(create(FlowSchema, { extensions: anyPack(FlowSchema, inner) }), {
      onUndecodableExtension: (type) => types.push(type),
    });
    expect(types).toEqual(["type.googleapis.com/flow.Flow"]);
  });

  test("encodeExportLine: onUndecodableExtension may encode another event", () => {
    const [{ extensions }] = bad as [(typeof bad)[number]];
    const flow = create(FlowSchema, { uuid: "1", extensions, Summary: "s" });
    const other = create(FlowSchema, { uuid: "other" });
    const line = encodeExportLine(flow, { onUndecodableExtension: () => encodeExportLine(other) });
    expect(line).toBe(encodeExportLine(flow));
  });

  test.each([
    { type: "Struct", value: '{"b":1e400,"c":"1e400"}' },
    { type: "Value", value: "-1e400" },
    { type: "ListValue", value: '[{"a":[1e400]}]' },
    { type: "Any", value: '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"b":1e400}}' },
  ])(
    "decodeExport: keeps the JSON of a $type whose number is too large, and reports it",
    async (extension) => {
      const { type, value } = extension;
      const line = `{"flow":{"uuid":"1","extensions":{"@type":"type.googleapis.com/google.protobuf.${type}","value":${value}}}}`;
      const notes: string[] = [];
      const { events } = await readLines(`${line}\n`, {
        onUnknownField: ({ message }) => notes.push(message),
      });
      expect(events.map((event) => encodeExportLine(event))).toEqual([line]);
      expect(notes).toEqual([
        expect.stringMatching(/^google\.protobuf\.\w+ has a number that is too large for a double$/),
      ]);
    },
  );

  test("decodeExport: does not report numbers that fit in a double, or digits in strings", async () => {
    const value = '{"a":"1e400","b":1e308,"c":-1e-400,"1e999":[true,false,null,12]}';
    const line = `{"flow":{"extensions":{"@type":"type.googleapis.com/google.protobuf.Struct","value":${value}}}}`;
    const notes: string[] = [];
    await readLine(line, { onUnknownField: ({ message }) => notes.push(message) });
    expect(notes).toEqual([]);
  });
});
