/** A CEL type, as in cel-go's checker. */
export type CelType =
  | { readonly kind: PrimitiveKind | "dyn" | "error" | "null" | "any" | "timestamp" | "duration" }
  | { readonly kind: "list"; readonly element: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | { readonly kind: "message"; readonly name: string }
  /** A wrapper message such as google.protobuf.BoolValue: its value or null. */
  | { readonly kind: "wrapper"; readonly of: CelType }
  /** The type of a type; without `of`, the type of any type. */
  | { readonly kind: "type"; readonly of: CelType | undefined }
  /** A type parameter, to be inferred. */
  | { readonly kind: "param"; readonly name: string }
  /** An opaque type that is only known by name, such as `set(int)`. */
  | { readonly kind: "opaque"; readonly name: string; readonly parameters: readonly CelType[] };

type PrimitiveKind = "bool" | "int" | "uint" | "double" | "string" | "bytes";

export const DYN: CelType = { kind: "dyn" };
export const ERROR: CelType = { kind: "error" };
export const NULL: CelType = { kind: "null" };
export const ANY: CelType = { kind: "any" };
export const BOOL: CelType = { kind: "bool" };
export const INT: CelType = { kind: "int" };
export const UINT: CelType = { kind: "uint" };
export const DOUBLE: CelType = { kind: "double" };
export const STRING: CelType = { kind: "string" };
export const BYTES: CelType = { kind: "bytes" };
export const TIMESTAMP: CelType = { kind: "timestamp" };
export const DURATION: CelType = { kind: "duration" };
export const TYPE: CelType = { kind: "type", of: undefined };

export const listOf = (element: CelType): CelType => ({ kind: "list", element });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });
export const wrapperOf = (of: CelType): CelType => ({ kind: "wrapper", of });
export const typeOf = (of: CelType): CelType => ({ kind: "type", of });

const WELL_KNOWN: Readonly<Record<string, CelType>> = {
  "google.protobuf.Any": ANY,
  "google.protobuf.Timestamp": TIMESTAMP,
  "google.protobuf.Duration": DURATION,
  "google.protobuf.Struct": mapOf(STRING, DYN),
  "google.protobuf.Value": DYN,
  "google.protobuf.ListValue": listOf(DYN),
  "google.protobuf.BoolValue": wrapperOf(BOOL),
  "google.protobuf.BytesValue": wrapperOf(BYTES),
  "google.protobuf.DoubleValue": wrapperOf(DOUBLE),
  "google.protobuf.FloatValue": wrapperOf(DOUBLE),
  "google.protobuf.Int32Value": wrapperOf(INT),
  "google.protobuf.Int64Value": wrapperOf(INT),
  "google.protobuf.StringValue": wrapperOf(STRING),
  "google.protobuf.UInt32Value": wrapperOf(UINT),
  "google.protobuf.UInt64Value": wrapperOf(UINT),
};

/** Returns the CEL type of a message; well-known messages have special types. */
export function messageType(name: string): CelType {
  return Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name]! : { kind: "message", name };
}

/** Whether the name is that of a well-known message. */
export function isWellKnown(name: string): boolean {
  return Object.hasOwn(WELL_KNOWN, name);
}

/** Returns the type arguments of a type. */
export function partsOf(type: CelType): readonly CelType[] {
  switch (type.kind) {
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
    case "wrapper":
      return [type.of];
    case "type":
      return type.of === undefined ? [] : [type.of];
    case "opaque":
      return type.parameters;
    default:
      return [];
  }
}

/** Returns the type with changed arguments; the same object if nothing changes. */
export function withParts(type: CelType, change: (part: CelType) => CelType): CelType {
  const parts = partsOf(type);
  const changed = parts.map(change);
  if (changed.every((part, index) => part === parts[index])) return type;
  const [first, second] = changed;
  switch (type.kind) {
    case "list":
      return listOf(first!);
    case "map":
      return mapOf(first!, second!);
    case "wrapper":
      return wrapperOf(first!);
    case "type":
      return typeOf(first!);
    case "opaque":
      return { ...type, parameters: changed };
    default:
      return type;
  }
}

/** Whether two types are identical. */
export function isSameType(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || nameOf(a) !== nameOf(b)) return false;
  const ours = partsOf(a);
  const theirs = partsOf(b);
  return ours.length === theirs.length && ours.every((part, index) => isSameType(part, theirs[index]!));
}

function nameOf(type: CelType): string {
  return "name" in type ? type.name : type.kind;
}

/** Formats a type as in the checker's errors: `list(int)`, `timestamp`, `null`. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case "error":
      return "!error!";
    case "message":
    case "param":
      return type.name;
    default:
      return withArguments(nameOf(type), partsOf(type).map(formatType));
  }
}

/** Formats a type by its runtime name, as in errors about the result type: `google.protobuf.Timestamp`, `null_type`. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case "null":
      return "null_type";
    case "timestamp":
    case "duration":
    case "any":
      return `google.protobuf.${type.kind[0]!.toUpperCase()}${type.kind.slice(1)}`;
    case "message":
    case "param":
      return type.name;
    default:
      return withArguments(nameOf(type), partsOf(type).map(typeName));
  }
}

function withArguments(name: string, texts: readonly string[]): string {
  return texts.length === 0 ? name : `${name}(${texts.join(", ")})`;
}
