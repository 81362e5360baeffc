/**
 * What the readers know about a message type. Derived from a descriptor (see `typeOf`), or a table written by hand where
 * loading protobuf-es would cost too much time (see {@link messageType}).
 */
export interface MessageType {
  /** The name without the package. */
  readonly name: string;
  readonly fields: readonly FieldType[];
  /** The form that the type has in protobuf JSON, if that is a string instead of an object. */
  readonly json?: JsonStringForm;
}

/** The JSON form of a type such as `google.protobuf.Duration`. */
export interface JsonStringForm {
  /** Completes the sentence "must be …". */
  readonly expected: string;
  /** Returns the fields of the message; undefined if the string is invalid. */
  parse(text: string): object | undefined;
}

/** A field of a message. */
export interface FieldType {
  /** As in the proto file. */
  readonly name: string;
  /** As in TypeScript. */
  readonly localName: string;
  readonly jsonName: string;
  readonly isList: boolean;
  /** The oneof of the field, as in TypeScript. */
  readonly oneof?: string | undefined;
  readonly value: ValueType;
}

/** The type of a single value: of a field, or of an element of a list. */
export type ValueType =
  | { readonly kind: "string" | "bool" | "double" | "bytes" }
  /** Any object: the contents of maps and of `google.protobuf.Struct` are not checked. */
  | { readonly kind: "object" }
  | IntegerType
  | EnumType
  /** A function, because types can be recursive. */
  | { readonly kind: "message"; readonly type: () => MessageType };

/** An integer in a range; 64-bit integers are represented as bigint. */
export interface IntegerType {
  readonly kind: "integer";
  readonly least: bigint;
  readonly most: bigint;
  readonly as: "number" | "bigint";
}

/** An enum. As in protobuf, numbers without a name are accepted. */
export interface EnumType {
  readonly kind: "enum";
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly number: number }[];
}

/** An integer type of this number of bits. */
export function integerType(bits: 32 | 64, isSigned: boolean): IntegerType {
  const size = 2n ** BigInt(bits);
  return {
    kind: "integer",
    least: isSigned ? -size / 2n : 0n,
    most: isSigned ? size / 2n - 1n : size - 1n,
    as: bits === 64 ? "bigint" : "number",
  };
}

export const STRING: ValueType = { kind: "string" };
export const INT32: IntegerType = integerType(32, true);
export const INT64: IntegerType = integerType(64, true);
export const UINT64: IntegerType = integerType(64, false);

/** Any integer that a number represents exactly; for fields whose range the caller checks, with its own message. */
export const ANY_INTEGER: IntegerType = {
  kind: "integer",
  least: BigInt(Number.MIN_SAFE_INTEGER),
  most: BigInt(Number.MAX_SAFE_INTEGER),
  as: "number",
};

/** A list field, in the table of {@link messageType}. */
export interface ListType {
  readonly listOf: ValueType;
}

/** The fields of a generated message, without those that belong to every message. */
type FieldsOf<Message> = Exclude<keyof Message, "$typeName" | "$unknown">;

/**
 * Creates a type from a table of all fields of a generated message, by their names in TypeScript. A field that is added
 * to the message does not compile until it is listed.
 */
export function messageType<Message>(
  name: string,
  table: { readonly [K in FieldsOf<Message>]: ValueType | ListType },
  json?: JsonStringForm,
): MessageType {
  const fields = Object.entries<ValueType | ListType>(table).map(([localName, value]): FieldType => {
    const isList = "listOf" in value;
    return {
      name: localName.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      localName,
      jsonName: localName,
      isList,
      value: isList ? value.listOf : value,
    };
  });
  return { name, fields, ...(json && { json }) };
}

/** Refers to a type from the table of another one. */
export function messageOf(type: MessageType): ValueType {
  return { kind: "message", type: () => type };
}
