import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { suggest } from "../errors/suggest.js";
import {
  aBoolean,
  aListOf,
  anInteger,
  anObject,
  aString,
  aUint8Array,
  isObject,
  type ReportIssue,
  type ValueCheck,
  valueCheck,
} from "../errors/value-checks.js";

/**
 * Creates a check of an init object (or message) of a type, since `create` of protobuf-es ignores unknown fields and
 * accepts values of any type. Paths use the names of the init object. The contents of maps and `google.protobuf.Struct`
 * are not checked.
 *
 * @param others Additional fields that the init object may have.
 */
export function anInitOf(schema: DescMessage, others: readonly string[] = []): ValueCheck<object> {
  return (value, path, report) => checkMessage(schema, others, value, path, report);
}

function checkMessage(
  schema: DescMessage,
  others: readonly string[],
  value: unknown,
  path: string,
  report: ReportIssue,
): void {
  if (!isObject(value)) {
    anObject(value, path, report);
    return;
  }
  const names = [...schema.members.map(({ localName }) => localName), ...others];
  for (const [name, content] of Object.entries(value)) {
    if (name.startsWith("$") || others.includes(name) || content === undefined) continue;
    const at = path === "" ? name : `${path}.${name}`;
    const member = schema.members.find(({ localName }) => localName === name);
    if (member === undefined) report(at, unknownField(name, schema.name, names));
    else if (member.kind === "field") checkField(member, content, at, report);
    else checkOneof(member.fields, content, at, report);
  }
}

function unknownField(name: string, message: string, known: readonly string[]): string {
  const meant = suggest(name, known);
  return `not a field of ${message}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** Checks a oneof: `{ case: "flow", value: … }`, or `{ case: undefined }`. */
function checkOneof(fields: readonly DescField[], value: unknown, path: string, report: ReportIssue): void {
  if (!isObject(value)) {
    anObject(value, path, report);
    return;
  }
  const { case: name, value: content } = value as { readonly case?: unknown; readonly value?: unknown };
  if (name === undefined) return;
  const field = fields.find(({ localName }) => localName === name);
  if (field !== undefined) checkField(field, content, `${path}.value`, report);
  else report(`${path}.case`, `must be one of ${fields.map(({ localName }) => localName).join(", ")}`);
}

function checkField(field: DescField, value: unknown, path: string, report: ReportIssue): void {
  if (field.fieldKind === "map") anObject(value, path, report);
  else if (field.fieldKind === "list") aListOf(checkOf(field))(value, path, report);
  else checkOf(field)(value, path, report);
}

/** The check of a single value of a field, or of one element of a list field. */
function checkOf({ message, enum: ofEnum, scalar, fieldKind }: DescField): ValueCheck<never> {
  if (message !== undefined) {
    // A singular wrapper message is represented by its value.
    if (isWrapperDesc(message) && fieldKind !== "list") return SCALARS[message.fields[0].scalar];
    if (message.typeName === "google.protobuf.Struct") return anObject;
    return (value, path, report) => checkMessage(message, [], value, path, report);
  }
  return ofEnum === undefined && scalar !== undefined ? SCALARS[scalar] : anInt32;
}

const aDouble: ValueCheck<number> = valueCheck("a number", (value) => typeof value === "number");
const anInt32 = anInteger(-(2 ** 31), 2 ** 31 - 1);
const aUint32 = anInteger(0, 2 ** 32 - 1);

/** A bigint, or a safe integer or decimal string, which protobuf-es also encodes. */
const a64BitInteger: ValueCheck<bigint> = valueCheck(
  "a bigint",
  (value) =>
    typeof value === "bigint" ||
    Number.isSafeInteger(value) ||
    (typeof value === "string" && /^-?\d+$/.test(value)),
);

const SCALARS: { readonly [K in ScalarType]: ValueCheck<never> } = {
  [ScalarType.DOUBLE]: aDouble,
  [ScalarType.FLOAT]: aDouble,
  [ScalarType.INT64]: a64BitInteger,
  [ScalarType.UINT64]: a64BitInteger,
  [ScalarType.INT32]: anInt32,
  [ScalarType.FIXED64]: a64BitInteger,
  [ScalarType.FIXED32]: aUint32,
  [ScalarType.BOOL]: aBoolean,
  [ScalarType.STRING]: aString,
  [ScalarType.BYTES]: aUint8Array,
  [ScalarType.UINT32]: aUint32,
  [ScalarType.SFIXED32]: anInt32,
  [ScalarType.SFIXED64]: a64BitInteger,
  [ScalarType.SINT32]: anInt32,
  [ScalarType.SINT64]: a64BitInteger,
};
