import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** How a field is read. The names of the kinds up to "bool" are those of values that are a varint. */
export type FieldKind =
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "string"
  | "strings"
  | "bytes"
  | "message"
  | "messages"
  /** A message such as google.protobuf.BoolValue, which is represented by its value. */
  | "wrapper";

export interface FieldLayout {
  readonly desc: DescField;
  readonly kind: FieldKind;
  /** The type of a nested message. */
  readonly message: DescMessage | undefined;
  /** The property of the oneof that the field belongs to. */
  readonly oneof: string | undefined;
  /** What the table of tags holds for the field if it is selected. */
  readonly slot: number;
}

export interface MessageLayout {
  readonly desc: DescMessage;
  /** The name of the type in TypeScript. */
  readonly name: string;
  /** Fields with varints first, so that one comparison tells which values have a length. */
  readonly fields: readonly FieldLayout[];
  /** The first slot of a field whose value has a length. */
  readonly firstWithLength: number;
  /** The number of tags in the table; fields with larger ones are found otherwise. */
  readonly tableLength: number;
}

/** Slots 0 to 2 are not fields: another tag, a varint to skip, a value with a length to skip. */
export const FIRST_SLOT = 3;

/** Tags of at most two bytes are below this number; larger tables are not worth their memory. */
const MAX_TABLE_LENGTH = 1024;

export function layoutOf(desc: DescMessage): MessageLayout {
  const withKinds = desc.fields.map((field) => ({ desc: field, kind: kindOf(field) }));
  const isVarint = ({ kind }: { kind: FieldKind }) => VARINTS.includes(kind);
  const sorted = [...withKinds.filter(isVarint), ...withKinds.filter((field) => !isVarint(field))];
  const fields = sorted.map(
    ({ desc: field, kind }, index): FieldLayout => ({
      desc: field,
      kind,
      message: field.message,
      oneof: field.oneof?.localName,
      slot: FIRST_SLOT + index,
    }),
  );
  for (const { kind, oneof, desc: field } of fields) {
    if (oneof !== undefined && kind !== "message") throw unsupported(field, "a oneof of other than messages");
  }
  const tags = fields.map(({ desc: { number }, kind }) => number * 8 + (VARINTS.includes(kind) ? 0 : 2));
  const largest = Math.max(...tags.filter((tag) => tag < MAX_TABLE_LENGTH), 0);
  return {
    desc,
    name: desc.typeName.slice(desc.file.proto.package.length + 1).replaceAll(".", "_"),
    fields,
    firstWithLength: FIRST_SLOT + withKinds.filter(isVarint).length,
    tableLength: 2 ** Math.ceil(Math.log2(largest + 1)),
  };
}

const VARINTS: readonly FieldKind[] = ["int32", "uint32", "int64", "uint64", "bool"];

const SCALARS: { readonly [K in ScalarType]?: FieldKind } = {
  [ScalarType.INT32]: "int32",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.INT64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.BOOL]: "bool",
  [ScalarType.STRING]: "string",
  [ScalarType.BYTES]: "bytes",
};

/** @throws Error for what the messages of the API do not use, so that an update which does is noticed. */
function kindOf(field: DescField): FieldKind {
  if (field.oneof === undefined && field.proto.proto3Optional) throw unsupported(field, "an optional scalar");
  switch (field.fieldKind) {
    case "scalar": {
      const kind = SCALARS[field.scalar];
      if (kind === undefined || field.longAsString) throw unsupported(field, "a scalar of this type");
      if (kind === "string" && !field.utf8Validation) throw unsupported(field, "a string of any bytes");
      return kind;
    }
    case "enum":
      if (!field.enum.open) throw unsupported(field, "a closed enum");
      return "int32";
    case "message":
      if (field.delimitedEncoding) throw unsupported(field, "a group");
      if (field.message.typeName === "google.protobuf.Struct") throw unsupported(field, "a Struct");
      return isWrapperDesc(field.message) && field.oneof === undefined ? "wrapper" : "message";
    case "list":
      if (field.listKind === "message" && !field.delimitedEncoding) return "messages";
      if (field.listKind === "scalar" && field.scalar === ScalarType.STRING && field.utf8Validation) {
        return "strings";
      }
      throw unsupported(field, "a list of this type");
    case "map":
      throw unsupported(field, "a map");
  }
}

function unsupported(field: DescField, what: string): Error {
  return new Error(`${field.parent.typeName}.${field.name}: the decoders do not support ${what}`);
}
