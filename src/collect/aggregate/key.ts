import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import type { FieldTree } from "../../message/field-tree.js";
import { oneofOf, type Properties, propertiesOf, zeroOf } from "../../message/properties.js";

/**
 * Returns the key of a flow. Two flows have equal keys exactly if the flows that a field mask makes of them have equal
 * bytes.
 */
export type FlowKey = (flow: Flow) => string;

/**
 * Compiles the key of the fields of a tree. As in a field mask, a message of which only some fields are selected counts
 * as present: unset and empty ones are equal. One that is selected as a whole is not.
 */
export function compileFlowKey(tree: FieldTree): FlowKey {
  const write = inside(FlowSchema, tree);
  return (flow) => write(propertiesOf(flow));
}

/** Writes a value so that its text is not the beginning of that of another value of the type. */
type Write<T> = (value: T) => string;

/** What the text of a field begins with that may be unset. */
const UNSET = "-";
const SET = "+";
/** The end of numbers and messages. */
const END = ";";

/** Selected fields of a message that may be undefined. */
function inside(schema: DescMessage, tree: FieldTree): Write<Properties | undefined> {
  // By number, so that equal fields have equal keys in any order of the paths.
  const fields = schema.fields.filter(({ name }) => Object.hasOwn(tree, name));
  return concatenate(
    fields.map((field) => {
      const inner = tree[field.name]!;
      return inner === true ? wholeField(field) : fieldInside(field, inner);
    }),
  );
}

function concatenate(writes: readonly Write<Properties | undefined>[]): Write<Properties | undefined> {
  const [first, second, third] = writes;
  if (first !== undefined && writes.length === 1) return first;
  if (first !== undefined && second !== undefined && writes.length === 2) {
    return (message) => first(message) + second(message);
  }
  if (first !== undefined && second !== undefined && third !== undefined && writes.length === 3) {
    return (message) => first(message) + second(message) + third(message);
  }
  return (message) => {
    let text = "";
    for (let index = 0; index < writes.length; index++) text += writes[index]!(message);
    return text;
  };
}

function fieldInside({ localName, oneof, message: schema }: DescField, tree: FieldTree) {
  // Only messages have a tree.
  const desc = schema!;
  if (oneof !== undefined) {
    const write = inside(desc, tree);
    const group = oneof.localName;
    return (message: Properties | undefined) => {
      const { case: name, value } = oneofOf(message, group);
      return name === localName ? SET + write(value as Properties) : UNSET;
    };
  }
  if (isWrapperDesc(desc)) {
    const zero = zeroOf(desc.fields[0].scalar);
    return (message: Properties | undefined) => scalar(message?.[localName] ?? zero);
  }
  const write = inside(desc, tree);
  // The property of a message field is a message.
  return (message: Properties | undefined) => write(message?.[localName] as Properties | undefined);
}

function wholeField(field: DescField): Write<Properties | undefined> {
  const { localName, oneof } = field;
  const write = fieldValue(field);
  if (oneof !== undefined) {
    const group = oneof.localName;
    return (message) => {
      const { case: name, value } = oneofOf(message, group);
      return name === localName ? SET + write(value) : UNSET;
    };
  }
  if (field.fieldKind === "message") {
    return (message) => {
      const value = message?.[localName];
      return value === undefined ? UNSET : SET + write(value);
    };
  }
  if (field.fieldKind === "list") return (message) => write(message?.[localName] ?? []);
  // A message that is unset has the same fields as an empty one.
  const zero = field.fieldKind === "scalar" ? zeroOf(field.scalar) : 0;
  return (message) => write(message?.[localName] ?? zero);
}

/** How the value of a field is written, or an element of a list. */
function fieldValue(field: DescField): Write<unknown> {
  const element = elementOf(field);
  if (field.fieldKind !== "list") return element;
  return (value) => {
    const list = value as readonly unknown[];
    let text = `${list.length}${END}`;
    for (let index = 0; index < list.length; index++) text += element(list[index]);
    return text;
  };
}

function elementOf(field: DescField): Write<unknown> {
  if (field.message === undefined) return scalar;
  if (isWrapperDesc(field.message)) return scalar;
  const write = wholeMessage(field.message);
  return (value) => write(value as Message);
}

function wholeMessage(schema: DescMessage): Write<Message> {
  const groups = new Set<string>();
  const writes: Write<Properties | undefined>[] = [];
  for (const field of schema.fields) {
    const { oneof } = field;
    if (oneof === undefined) writes.push(wholeField(field));
    else if (!groups.has(oneof.localName)) {
      groups.add(oneof.localName);
      writes.push(wholeOneof(oneof.localName, oneof.fields));
    }
  }
  const write = concatenate(writes);
  return (message) => write(propertiesOf(message)) + unknownFields(message);
}

function wholeOneof(group: string, fields: readonly DescField[]): Write<Properties | undefined> {
  const cases = new Map(
    fields.map((field) => [field.localName, [`${field.number}${END}`, fieldValue(field)]]),
  );
  return (message) => {
    const { case: name, value } = oneofOf(message, group);
    const found = name === undefined ? undefined : cases.get(name);
    if (found === undefined) return UNSET;
    // The cast is true: this is how the map was made.
    const [start, write] = found as [string, Write<unknown>];
    return start + write(value);
  };
}

function scalar(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `${value.length}:${value}`;
    case "boolean":
      return value ? "1" : "0";
    case "object":
      // The only other scalars of a Flow are bytes.
      return scalar(textOf(value as Uint8Array));
    default:
      return `${value}${END}`;
  }
}

/** One character for each byte. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += String.fromCharCode(bytes[index]!);
  return text;
}

/** The fields of a message that this version does not know, which are encoded after the others. */
function unknownFields({ $unknown }: Message): string {
  if ($unknown === undefined || $unknown.length === 0) return END;
  return `${$unknown.map(({ no, wireType, data }) => `${no},${wireType},${scalar(data)}`).join("")}${END}`;
}
