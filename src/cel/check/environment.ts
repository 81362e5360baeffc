import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { type Functions, STANDARD_TYPES, standardFunctions } from "./standard.js";
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

/** Looks up messages and enums by their full names. A `Registry` of protobuf-es satisfies it. */
export interface TypeRegistry {
  /** Returns a message by its full name. */
  getMessage(name: string): DescMessage | undefined;
  /** Returns an enum by its full name. */
  getEnum(name: string): DescEnum | undefined;
  /**
   * Whether expressions cannot refer to a message, a field, an enum or an enum value, by its full name such as
   * `flow.Flow.file` or `flow.DropReason.DROP_PUNT_PROXY`.
   */
  hides?(name: string): boolean;
}

/** The declarations that an expression can use. */
export interface Environment {
  /** The namespace in which names are resolved: in `flow`, `Verdict` means `flow.Verdict`. */
  readonly container: string;
  /** The types of the variables by full name. */
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: Functions;
  readonly registry: TypeRegistry;
}

/** The declaration that a name refers to. */
export type Reference =
  | { readonly kind: "variable"; readonly name: string; readonly type: CelType }
  /** A value of an enum. */
  | { readonly kind: "constant"; readonly value: number; readonly type: CelType }
  | { readonly kind: "type"; readonly type: CelType & { readonly kind: "type" } };

export function createEnvironment({
  container = "",
  variables = new Map(),
  functions = standardFunctions(),
  registry,
}: Partial<Environment> & Pick<Environment, "registry">): Environment {
  return { container, variables, functions, registry };
}

/**
 * The full names that a name may refer to, innermost namespace first: in the container `a.b`, the name `c` may be
 * `a.b.c`, `a.c` or `c`. A name with a leading dot is already full.
 */
export function candidatesFor(container: string, name: string): readonly string[] {
  if (name.startsWith(".")) return [name.slice(1)];
  const parts = container === "" ? [] : container.split(".");
  const prefixes = parts.map((_, index) => parts.slice(0, parts.length - index).join("."));
  return [...prefixes.map((prefix) => `${prefix}.${name}`), name];
}

/** Looks up a full name: a variable, a type, or a value of an enum. */
export function lookUp({ variables, registry }: Environment, name: string): Reference | undefined {
  const variable = variables.get(name);
  if (variable !== undefined) return { kind: "variable", name, type: variable };
  const standard = STANDARD_TYPES.get(name);
  if (standard !== undefined) return typeReference(standard);
  if (registry.hides?.(name)) return undefined;
  if (registry.getMessage(name) !== undefined) return typeReference(messageType(name));
  const dot = name.lastIndexOf(".");
  if (dot < 0 || registry.hides?.(name.slice(0, dot))) return undefined;
  const value = registry.getEnum(name.slice(0, dot))?.values.find((one) => one.name === name.slice(dot + 1));
  return value === undefined ? undefined : { kind: "constant", value: value.number, type: INT };
}

function typeReference(of: CelType): Reference {
  return { kind: "type", type: typeOf(of) as CelType & { kind: "type" } };
}

/** Returns a message's field by its proto name, unless the registry hides it. */
export function findField(
  message: DescMessage,
  name: string,
  registry?: TypeRegistry,
): DescField | undefined {
  if (registry?.hides?.(`${message.typeName}.${name}`)) return undefined;
  return message.fields.find((field) => field.name === name);
}

/** Returns the CEL type of a field. */
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
