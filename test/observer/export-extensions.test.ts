import { create, createFileRegistry, createRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import {
  anyPack,
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
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
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { encodeExportLine } from "../../src/observer/index.js";
import { type Flow, FlowSchema, GetFlowsResponseSchema } from "../../src/proto.js";
import { readLine } from "./lines.js";

type Any = NonNullable<Flow["extensions"]>;

function lineWith(extensions: Any): string {
  const flow = create(FlowSchema, { extensions });
  return `${encodeExportLine(create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: flow } }), { registry })}`;
}

const { STRING, INT32, MESSAGE } = FieldDescriptorProto_Type;
const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
type Field = Exclude<MessageInitShape<typeof FieldDescriptorProtoSchema>, FieldDescriptorProto>;

/** A map entry as a compiler describes it. */
function entry(name: string, key: FieldDescriptorProto_Type, value: FieldDescriptorProto_Type) {
  const field: Field[] = [
    { name: "key", jsonName: "key", number: 1, type: key, label: OPTIONAL },
    { name: "value", jsonName: "value", number: 2, type: value, label: OPTIONAL },
  ];
  return { name, field, options: { mapEntry: true } };
}

/** A message that no file of ours has: Hubble's have no maps. */
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

describe("extensions of any type", () => {
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
  ])("with a form of their own: %#", (extensions, value) => {
    expect(lineWith(extensions)).toBe(
      `{"flow":{"extensions":{"@type":"${extensions.typeUrl}","value":${value}}}}`,
    );
  });

  test("with presence: zero values that are set are printed", () => {
    const field = create(FieldDescriptorProtoSchema, { name: "", number: 0, label: OPTIONAL });
    expect(lineWith(anyPack(FieldDescriptorProtoSchema, field))).toBe(
      '{"flow":{"extensions":{"@type":"type.googleapis.com/google.protobuf.FieldDescriptorProto","name":"","number":0,"label":"LABEL_OPTIONAL"}}}',
    );
  });

  test("with maps: keys in the order of their bytes or numbers", () => {
    const maps = create(MapsSchema, {
      byText: { b: 2, "\u{10000}": 4, a: 1, "\uffff": 3, "<": 0 },
      byNumber: { "10": "ten", "-1": "minus one", "9": "nine" },
    } as MessageInitShape<typeof MapsSchema>);
    expect(lineWith(anyPack(MapsSchema, maps))).toBe(
      '{"flow":{"extensions":{"@type":"type.googleapis.com/custom.Maps",' +
        '"by_text":{"\\u003c":0,"a":1,"b":2,"\uffff":3,"\u{10000}":4},"by_number":{"-1":"minus one","9":"nine","10":"ten"}}}}',
    );
  });

  test("are read as they are printed", async () => {
    const maps = create(MapsSchema, { byText: { a: 1 } } as MessageInitShape<typeof MapsSchema>);
    const line = lineWith(anyPack(MapsSchema, maps));
    const event = await readLine(line, { registry });
    expect(encodeExportLine(event, { registry })).toBe(line);
  });
});
