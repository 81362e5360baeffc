import { type DescField, type Message, ScalarType } from "@bufbuild/protobuf";
import { defaultOf, type Oneof, presenceTest } from "../../message/properties.js";
import { fieldType, type TypeRegistry } from "../check/environment.js";
import { BOOL, type CelType, DYN, isWellKnown } from "../check/type.js";
import type { Frame } from "../run/frame.js";
import { type DynamicFields, emptyMessage, meteredReader } from "../run/message.js";
import { Fault, NO_OVERLOAD } from "../value/fault.js";
import { CelMap, type CelValue, kindOf } from "../value/value.js";
import type { Code, Run } from "./code.js";
import { readProperty } from "./property.js";

/**
 * Compiles reading a field of a value that is known to be a message. An unset field has its default value; an unset
 * message reads as an empty one.
 */
export function compileField(operand: Code, field: DescField, registry: TypeRegistry): Code {
  const message = operand.run as Run<Message>;
  const type = sureType(fieldType(field));
  const weight = operand.weight + 1;
  const { canFail } = operand;
  const direct = directReader(field);
  if (direct !== undefined) return { type, form: direct.form, run: direct.run(message), canFail, weight };
  const read = meteredReader(field, registry);
  const opens = field.message?.typeName === "google.protobuf.Any";
  return {
    type,
    form: "value",
    run: (frame) => read(message(frame), frame),
    canFail: canFail || opens,
    weight,
  };
}

/** Compiles `has()` for a field of a value that is known to be a message. */
export function compileFieldTest(operand: Code, field: DescField): Code {
  const message = operand.run as Run<Message>;
  const { canFail, weight } = operand;
  return { type: BOOL, form: "value", run: compilePresence(message, field), canFail, weight: weight + 1 };
}

function compilePresence(message: Run<Message>, field: DescField): Run<boolean> {
  const { localName: name, oneof, fieldKind } = field;
  if (oneof !== undefined) {
    const read = readProperty(message, oneof.localName) as Run<Oneof>;
    return (frame) => read(frame).case === name;
  }
  if (fieldKind === "message") {
    const read = readProperty(message, name);
    return (frame) => read(frame) !== undefined;
  }
  if (fieldKind === "list") {
    const read = readProperty(message, name) as Run<readonly unknown[]>;
    return (frame) => read(frame).length > 0;
  }
  const has = presenceTest(field);
  return (frame) => has(message(frame));
}

/** Reads a field of a value whose type is only known at run time. */
export function selectValue(value: CelValue, field: string, fields: DynamicFields, frame: Frame): CelValue {
  if (value instanceof CelMap) {
    const found = value.get(field);
    if (found === undefined) throw new Fault(`no such key: ${field}`);
    return found;
  }
  if (kindOf(value) !== "message") throw NO_OVERLOAD;
  return fields.read(value as Message, frame);
}

/** Evaluates `has()` for a value whose type is only known at run time. */
export function testValue(value: CelValue, field: string, fields: DynamicFields): boolean {
  if (value instanceof CelMap) return value.get(field) !== undefined;
  if (kindOf(value) !== "message") throw NO_OVERLOAD;
  return fields.has(value as Message);
}

/** The type of an Any is only known at run time. */
function sureType(type: CelType): CelType {
  if (type.kind === "any") return DYN;
  return type;
}

interface DirectReader {
  readonly form: Code["form"];
  run(message: Run<Message>): Run<unknown>;
}

/**
 * Returns the reader for a field whose property already has the required representation, which applies to most fields.
 */
function directReader(field: DescField): DirectReader | undefined {
  const form = directForm(field);
  if (form === undefined) return undefined;
  const name = field.localName;
  const unset = unsetOf(field);
  if (field.oneof !== undefined) {
    const group = field.oneof.localName;
    return {
      form,
      run: (message) => {
        const read = readProperty(message, group) as Run<Oneof>;
        return (frame) => {
          const { case: chosen, value } = read(frame);
          return chosen === name ? value : unset;
        };
      },
    };
  }
  // Unset scalars with presence and unset messages are undefined.
  return { form, run: (message) => readProperty(message, name, unset) };
}

function directForm(field: DescField): Code["form"] | undefined {
  switch (field.fieldKind) {
    case "enum":
      return "number";
    case "scalar":
      // `jstype` can represent 64-bit integers as strings.
      return field.longAsString ? undefined : SCALAR_FORMS[field.scalar];
    case "message":
      return isWellKnown(field.message.typeName) && !isPlainWrapper(field) ? undefined : "value";
    case "list":
      if (field.listKind === "message") return isWellKnown(field.message.typeName) ? undefined : "value";
      return field.listKind === "scalar" && PLAIN_ELEMENTS.has(field.scalar) ? "value" : undefined;
    default:
      return undefined;
  }
}

const SCALAR_FORMS: Readonly<Partial<Record<ScalarType, Code["form"]>>> = {
  [ScalarType.BOOL]: "value",
  [ScalarType.STRING]: "value",
  [ScalarType.BYTES]: "value",
  [ScalarType.DOUBLE]: "value",
  [ScalarType.FLOAT]: "value",
  [ScalarType.INT32]: "number",
  [ScalarType.SINT32]: "number",
  [ScalarType.SFIXED32]: "number",
  [ScalarType.UINT32]: "number",
  [ScalarType.FIXED32]: "number",
  [ScalarType.INT64]: "value",
  [ScalarType.SINT64]: "value",
  [ScalarType.SFIXED64]: "value",
  [ScalarType.UINT64]: "uint",
  [ScalarType.FIXED64]: "uint",
};

/** Wrappers that protobuf-es stores as the value that an expression sees. */
const PLAIN_WRAPPERS: ReadonlySet<string> = new Set([
  "google.protobuf.BoolValue",
  "google.protobuf.StringValue",
  "google.protobuf.BytesValue",
  "google.protobuf.DoubleValue",
  "google.protobuf.FloatValue",
]);

function isPlainWrapper(field: DescField & { fieldKind: "message" }): boolean {
  return field.oneof === undefined && PLAIN_WRAPPERS.has(field.message.typeName);
}

const PLAIN_ELEMENTS: ReadonlySet<ScalarType> = new Set([
  ScalarType.BOOL,
  ScalarType.STRING,
  ScalarType.BYTES,
  ScalarType.DOUBLE,
  ScalarType.FLOAT,
]);

function unsetOf(field: DescField): unknown {
  switch (field.fieldKind) {
    case "message":
      return isPlainWrapper(field) ? null : emptyMessage(field.message);
    case "enum":
    case "scalar":
      return defaultOf(field);
    default:
      return [];
  }
}
