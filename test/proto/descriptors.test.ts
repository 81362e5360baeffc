import { readFileSync } from "node:fs";
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescService,
  ScalarType,
} from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { describeWithShared, sharedPath } from "../support/shared.js";
import { enums, files, messages, services, types } from "./declared.js";
import { fieldRows, methodRows, type Row, tablePath, valueRows } from "./tables.js";

const FIELD_COLUMNS = ["file", "message", "field", "order", "number", "type", "label", "oneof", "deprecated"];
const VALUE_COLUMNS = ["file", "enum", "value", "number", "deprecated"];
const METHOD_COLUMNS = [
  "file",
  "service",
  "method",
  "request_stream",
  "request",
  "response_stream",
  "response",
];

describe("the generated descriptors", () => {
  test("contain exactly the files of the wire tables", () => {
    const named = [...fieldRows, ...valueRows, ...methodRows].map((row) => row.file);
    expect(files.map((file) => `${file.name}.proto`)).toEqual(distinct(named).sort());
  });

  test("contain exactly the messages of the wire tables", () => {
    expect(messages.map((message) => message.typeName).sort()).toEqual(
      distinct(fieldRows.map((row) => row.message)).sort(),
    );
  });

  test("contain exactly the enums of the wire tables", () => {
    expect(enums.map((type) => type.typeName).sort()).toEqual(
      distinct(valueRows.map((row) => row.enum)).sort(),
    );
  });

  test("contain exactly the services of the wire tables", () => {
    expect(services.map((service) => service.typeName).sort()).toEqual(
      distinct(methodRows.map((row) => row.service)).sort(),
    );
  });

  test.each(messages)("contain the fields of the wire table for $typeName, in its order", (message) => {
    expect(describeFields(message)).toEqual(
      select(
        fieldRows.filter((row) => row.message === message.typeName),
        FIELD_COLUMNS,
      ),
    );
  });

  test.each(enums)("contain the values of the wire table for $typeName", (type) => {
    expect(describeValues(type)).toEqual(
      select(
        valueRows.filter((row) => row.enum === type.typeName),
        VALUE_COLUMNS,
      ),
    );
  });

  test.each(services)("contain the methods of the wire table for $typeName", (service) => {
    expect(describeMethods(service)).toEqual(
      select(
        methodRows.filter((row) => row.service === service.typeName),
        METHOD_COLUMNS,
      ),
    );
  });

  test("reserve only number 2 of GetFlowsRequest", () => {
    expect(messages.flatMap(describeReserved)).toEqual(["observer.GetFlowsRequest 2"]);
  });

  // The tables have no column for this; Hubble 1.19 deprecated these messages with the fields that contain them.
  test("mark the messages that Hubble has deprecated", () => {
    const deprecated = messages.filter((message) => message.deprecated).map((message) => message.typeName);
    expect(deprecated.sort()).toEqual([
      "flow.Kafka",
      "flow.ServiceDeleteNotification",
      "flow.ServiceUpsertNotification",
    ]);
  });

  test("declare neither extensions nor deprecated enums, services and methods", () => {
    expect(types.filter((type) => type.kind === "extension")).toEqual([]);
    expect(
      [...enums, ...services, ...services.flatMap((service) => service.methods)].map(deprecation),
    ).not.toContain("deprecated");
  });
});

describeWithShared("the wire tables of the project", () => {
  test.each(["fields.tsv", "enums.tsv", "services.tsv"])("%s equals the shared table", (name) => {
    expect(readFileSync(tablePath(name), "utf8")).toBe(readFileSync(sharedPath("wire", name), "utf8"));
  });
});

/** Rows as strings, so that a difference reads like a line of the table. */
function select(rows: readonly Row[], columns: readonly string[]): string[] {
  return rows.map((row) => columns.map((column) => `${column}=${row[column]}`).join(" "));
}

/** Fields that upstream does not have, such as `flow.FlowFilter.policy_name`. None today. */
const OWN_FIELDS: readonly string[] = [];

function describeFields(message: DescMessage): string[] {
  const file = fileOf(message.file);
  const emptyRow = { file, message: message.typeName, field: "-", order: "0", number: "-", type: "-" };
  const upstream = message.fields.filter(({ name }) => !OWN_FIELDS.includes(`${message.typeName}.${name}`));
  const rows = upstream.map((field, index) => ({
    ...emptyRow,
    field: field.name,
    order: String(index + 1),
    number: String(field.number),
    type: typeOf(field),
    label: labelOf(field),
    oneof: field.oneof?.name ?? "",
    deprecated: deprecation(field),
  }));
  return select(
    rows.length > 0 ? rows : [{ ...emptyRow, label: "", oneof: "", deprecated: "" }],
    FIELD_COLUMNS,
  );
}

function describeValues(type: DescEnum): string[] {
  const rows = type.values.map((value) => ({
    file: fileOf(type.file),
    enum: type.typeName,
    value: value.name,
    number: String(value.number),
    deprecated: deprecation(value),
  }));
  return select(rows, VALUE_COLUMNS);
}

function describeMethods(service: DescService): string[] {
  const rows = service.methods.map((method) => ({
    file: fileOf(service.file),
    service: service.typeName,
    method: method.name,
    request_stream: method.proto.clientStreaming ? "stream" : "",
    request: method.input.typeName,
    response_stream: method.proto.serverStreaming ? "stream" : "",
    response: method.output.typeName,
  }));
  return select(rows, METHOD_COLUMNS);
}

function describeReserved(message: DescMessage): string[] {
  const numbers = message.proto.reservedRange.map(({ start, end }) =>
    end === start + 1 ? `${start}` : `${start} to ${end - 1}`,
  );
  return [...numbers, ...message.proto.reservedName].map((reserved) => `${message.typeName} ${reserved}`);
}

function typeOf(field: DescField): string {
  if (field.fieldKind === "map") return "map";
  if (field.message !== undefined) return field.message.typeName;
  if (field.enum !== undefined) return field.enum.typeName;
  return ScalarType[field.scalar].toLowerCase();
}

function labelOf(field: DescField): string {
  if (field.fieldKind === "list" || field.fieldKind === "map") return "repeated";
  return field.proto.proto3Optional ? "optional" : "";
}

function deprecation({ deprecated }: { readonly deprecated: boolean }): string {
  return deprecated ? "deprecated" : "";
}

function fileOf(file: DescFile): string {
  return `${file.name}.proto`;
}

function distinct(texts: readonly (string | undefined)[]): (string | undefined)[] {
  return [...new Set(texts)];
}
