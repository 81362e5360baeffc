import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  type ServiceDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { file_opentelemetry_logs_service } from "../../src/gen/opentelemetry/logs_service_pb.js";
import { files as hubbleFiles } from "./declared.js";
import { releases } from "./tables.js";

const files = [...hubbleFiles, file_opentelemetry_logs_service];
const types = files.flatMap((file) => [...nestedTypes(file)]);
const messages = types.filter((type) => type.kind === "message");
const enums = types.filter((type) => type.kind === "enum");
const services = types.filter((type) => type.kind === "service");

const repository = join(import.meta.dirname, "../..");

describe("the proto files", () => {
  const sources = buildProtoFiles();
  const declarations = sources.flatMap(declarationsIn);

  test.each(files)("match the generated code: $name", (file) => {
    const source = sources.find(({ name }) => name === `${file.name}.proto`);
    const generated = file.proto;
    expect(generated.package).toBe(source?.package);
    expect(withoutJsonNames(generated.messageType)).toEqual(withoutJsonNames(source?.messageType ?? []));
    expect(generated.enumType).toEqual(source?.enumType);
    expect(generated.service).toEqual(source?.service);
  });

  test.each(files)("begin with the license and a description: $name", (file) => {
    const lines = readFileSync(join(repository, "proto", `${file.name}.proto`), "utf8").split("\n");
    expect(lines[0]).toBe("// SPDX-License-Identifier: Apache-2.0");
    expect(lines[1]).toBe("//");
    expect(lines[2]).toMatch(/^\/\/ [A-Z].*\w/);
  });

  test("contain as many declarations as the descriptors", () => {
    const names = [
      ...messages.map((message) => message.typeName),
      ...messages
        .flatMap((message) => message.fields)
        .map((field) => `${field.parent.typeName}.${field.name}`),
      ...messages
        .flatMap((message) => message.oneofs)
        .map((oneof) => `${oneof.parent.typeName}.${oneof.name}`),
      ...enums.map((type) => type.typeName),
      ...enums.flatMap((type) => type.values).map((value) => `${value.parent.typeName}.${value.name}`),
      ...services.map((service) => service.typeName),
      ...services
        .flatMap((service) => service.methods)
        .map((method) => `${method.parent.typeName}.${method.name}`),
    ];
    expect(declarations.map(({ name }) => name).sort()).toEqual(names.sort());
  });

  test("contain a comment with a sentence for every declaration", () => {
    const without = declarations.filter(({ comment }) => !/^[A-Z].*\.$/.test(comment));
    expect(without.map(({ name, comment }) => `${name}: ${JSON.stringify(comment)}`)).toEqual([]);
  });

  test("state the release of declarations that are newer than 1.16, and of no others", () => {
    const since = releases();
    const wrong = declarations.flatMap(({ name, comment }) => {
      const release = since.get(name) ?? "1.16";
      const said = comment.match(/Since (1\.\d+)\./)?.[1] ?? "1.16";
      return said === release ? [] : [`${name} is there since ${release}, its comment says ${said}`];
    });
    expect(wrong).toEqual([]);
  });
});

interface Declaration {
  readonly name: string;
  readonly comment: string;
}

function buildProtoFiles(): FileDescriptorProto[] {
  const buf = join(repository, "node_modules/.bin/buf");
  const set = execFileSync(
    buf,
    ["build", "proto", "--as-file-descriptor-set", "--exclude-imports", "-o", "-"],
    {
      cwd: repository,
      maxBuffer: 2 ** 24,
    },
  );
  return fromBinary(FileDescriptorSetSchema, set).file;
}

// Field numbers of FileDescriptorProto, DescriptorProto, EnumDescriptorProto and ServiceDescriptorProto, which
// form the paths of comments:
// https://github.com/protocolbuffers/protobuf/blob/v29.0/src/google/protobuf/descriptor.proto
const FILE = { message: 4, enum: 5, service: 6 };
const MESSAGE = { field: 2, message: 3, enum: 4, oneof: 8 };
const ENUM = { value: 2 };
const SERVICE = { method: 2 };

type Declared = readonly [name: string, path: readonly number[]];

/** The full name of every declaration of a file, with its comment on one line. */
function declarationsIn(file: FileDescriptorProto): Declaration[] {
  const comments = new Map(
    file.sourceCodeInfo?.location.map(({ path, leadingComments, trailingComments }) => [
      path.join("."),
      `${leadingComments} ${trailingComments}`.replace(/\s+/g, " ").trim(),
    ]),
  );
  return [
    ...file.messageType.flatMap((message, at) => inMessage(message, file.package, [FILE.message, at])),
    ...file.enumType.flatMap((type, at) => inEnum(type, file.package, [FILE.enum, at])),
    ...file.service.flatMap((service, at) => inService(service, file.package, [FILE.service, at])),
  ].map(([name, path]) => ({ name, comment: comments.get(path.join(".")) ?? "" }));
}

function inMessage(message: DescriptorProto, scope: string, path: readonly number[]): Declared[] {
  const name = `${scope}.${message.name}`;
  const { field, oneofDecl, nestedType, enumType } = message;
  return [
    [name, path],
    ...field.map((each, at): Declared => [`${name}.${each.name}`, [...path, MESSAGE.field, at]]),
    ...oneofDecl.map((each, at): Declared => [`${name}.${each.name}`, [...path, MESSAGE.oneof, at]]),
    ...nestedType.flatMap((each, at) => inMessage(each, name, [...path, MESSAGE.message, at])),
    ...enumType.flatMap((each, at) => inEnum(each, name, [...path, MESSAGE.enum, at])),
  ];
}

function inEnum(type: EnumDescriptorProto, scope: string, path: readonly number[]): Declared[] {
  const name = `${scope}.${type.name}`;
  return [
    [name, path],
    ...type.value.map((each, at): Declared => [`${name}.${each.name}`, [...path, ENUM.value, at]]),
  ];
}

function inService(service: ServiceDescriptorProto, scope: string, path: readonly number[]): Declared[] {
  const name = `${scope}.${service.name}`;
  return [
    [name, path],
    ...service.method.map((each, at): Declared => [`${name}.${each.name}`, [...path, SERVICE.method, at]]),
  ];
}

/** The generator omits JSON names, as they follow from the names of the fields. */
function withoutJsonNames(messages: readonly DescriptorProto[]): unknown {
  return JSON.parse(JSON.stringify(messages, (key, value) => (key === "jsonName" ? undefined : value)));
}
