import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { type Functions, STANDARD_FUNCTIONS, STANDARD_TYPES } from "./standard.js";
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  INT,
  listOf,
  mapOf,
  messageType,
  STRING,
  typeOf,
  UINT,
} from "./type.js";

/** Where messages and enums are found by their full names; a `Registry` of protobuf-es is one. */
export interface TypeRegistry {
  /** A message by its full name. */
  getMessage(name: string): DescMessage | undefined;
  /** An enum by its full name. */
  getEnum(name: string): DescEnum | undefined;
}

/** What an expression may name. */
export interface Environment {
  /** The namespace against which names are resolved: `flow` lets `Verdict` stand for `flow.Verdict`. */
  readonly container: string;
  /** Types of the variables, by full name. */
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: Functions;
  readonly registry: TypeRegistry;
}

/** What a name stands for. */
export type Reference =
  | { readonly kind: "variable"; readonly name: string; readonly type: CelType }
  /** An enum's value. */
  | { readonly kind: "constant"; readonly value: number; readonly type: CelType }
  | { readonly kind: "type"; readonly type: CelType & { readonly kind: "type" } };

export function createEnvironment({
  container = "",
  variables = new Map(),
  functions = STANDARD_FUNCTIONS,
  registry,
}: Partial<Environment> & Pick<Environment, "registry">): Environment {
  return { container, variables, functions, registry };
}

/**
 * The full names that a name could stand for, the most deeply nested first: in the container `a.b` the name `c` is `a.b.c`,
 * `a.c` or `c`. A leading dot says that it is full already.
 */
export function candidatesFor(container: string, name: string): readonly string[] {
  if (name.startsWith(".")) return [name.slice(1)];
  const parts = container === "" ? [] : container.split(".");
  const prefixes = parts.map((_, index) => parts.slice(0, parts.length - index).join("."));
  return [...prefixes.map((prefix) => `${prefix}.${name}`), name];
}

/** What a full name stands for: a variable, a type, or a value of an enum. */
export function lookUp({ variables, registry }: Environment, name: string): Reference | undefined {
  const variable = variables.get(name);
  if (variable !== undefined) return { kind: "variable", name, type: variable };
  const standard = STANDARD_TYPES.get(name);
  if (standard !== undefined) return typeReference(standard);
  if (registry.getMessage(name) !== undefined) return typeReference(messageType(name));
  const dot = name.lastIndexOf(".");
  const value =
    dot < 0
      ? undefined
      : registry.getEnum(name.slice(0, dot))?.values.find((one) => one.name === name.slice(dot + 1));
  return value === undefined ? undefined : { kind: "constant", value: value.number, type: INT };
}

function typeReference(of: CelType): Reference {
  return { kind: "type", type: typeOf(of) as CelType & { kind: "type" } };
}

/** A message's field by its name in the proto file. */
export function findField(message: DescMessage, name: string): DescField | undefined {
  return message.fields.find((field) => field.name === name);
}

/** The type that a field has in an expression. */
export function fieldType(field: DescField): CelType {
  switch (field.fieldKind) {
    case "list":
      return listOf(elementType(field));
    case "map":
      return mapOf(scalarType(field.mapKey), elementType(field));
    default:
      return elementType(field);
  }
}

function elementType({
  message,
  scalar,
}: {
  message?: DescMessage | undefined;
  scalar?: ScalarType | undefined;
}): CelType {
  if (message !== undefined) return messageType(message.typeName);
  return scalar === undefined ? INT : scalarType(scalar);
}

function scalarType(scalar: ScalarType): CelType {
  switch (scalar) {
    case ScalarType.BOOL:
      return BOOL;
    case ScalarType.STRING:
      return STRING;
    case ScalarType.BYTES:
      return BYTES;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return DOUBLE;
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return UINT;
    default:
      return INT;
  }
}
