import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { FlowFilterSchema, FlowSchema, ServerStatusResponseSchema } from "../../src/proto.js";
import { DECODERS_PATH, generateDecoders } from "../../tools/decoders/generate.js";
import { layoutOf } from "../../tools/decoders/layout.js";
import { repository } from "../support/run.js";

test("src/gen/decoders.ts is current (npm run generate:decoders)", () => {
  expect(readFileSync(join(repository, DECODERS_PATH), "utf8")).toBe(generateDecoders());
});

test("layoutOf: the slots of fields with a length come last", () => {
  const { fields, firstWithLength, tableLength } = layoutOf(FlowSchema);
  expect(fields.map(({ slot }) => slot)).toEqual(FlowSchema.fields.map((_, index) => index + 3));
  for (const { slot, desc, kind } of fields) {
    const isVarint = desc.fieldKind === "enum" || ["uint32", "uint64", "bool"].includes(kind);
    expect(slot < firstWithLength).toBe(isVarint);
  }
  expect(tableLength).toBe(512);
  expect(create(FlowSchema).$typeName).toBe("flow.Flow");
});

test.each([
  [
    "a list of numbers",
    FlowFilterSchema,
    "traffic_direction: the decoders do not support a list of this type",
  ],
  ["a double", ServerStatusResponseSchema, "flows_rate: the decoders do not support a scalar of this type"],
])("layoutOf: rejects what the decoders do not support: %s", (_, schema, message) => {
  expect(() => layoutOf(schema)).toThrow(message);
});
