import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { type Flow, FlowSchema } from "../../../gen/flow/flow_pb.js";
import { propertyReader } from "../../../message/properties.js";
import { enumName, formatProtoText } from "../../../message/proto-text.js";
import { escapeControls } from "../../../observer/format/escape.js";

/** What is printed for a field that is unset or empty. */
const EMPTY = "-";

/** Returns the text of a field of a flow, on one line and safe for a terminal. */
export type FieldText = (flow: Flow) => string;

/**
 * Compiles the text of a field: names of enum values, lists with commas, messages as in protobuf text format.
 *
 * @param path A path that a flow has.
 */
export function compileFieldText(path: string): FieldText {
  const steps = stepsOf(path);
  const readers = steps.map(propertyReader);
  const last = steps.at(-1)!;
  return (flow) => {
    let value: unknown = flow;
    for (const read of readers) {
      if (value === undefined) return EMPTY;
      // All values but the last are messages.
      value = read(value as Message);
    }
    return escapeControls(textOf(last, value)) || EMPTY;
  };
}

/** The fields on the way to a value. A wrapper message is represented by its value and has no further step. */
function stepsOf(path: string): DescField[] {
  const steps: DescField[] = [];
  let schema: DescMessage = FlowSchema;
  for (const name of path.split(".")) {
    if (steps.length > 0 && isWrapperDesc(schema)) break;
    const field = schema.fields.find((one) => one.name === name);
    if (field === undefined) throw new Error(`a flow does not have ${path}`);
    steps.push(field);
    // Only the last field of a path is not a message.
    schema = field.message ?? schema;
  }
  return steps;
}

function textOf(field: DescField, value: unknown): string {
  if (value === undefined) return "";
  // The property of a list field is always an array.
  if (field.fieldKind === "list") return (value as unknown[]).map((one) => elementText(field, one)).join(",");
  return elementText(field, value);
}

function elementText({ message, enum: values }: DescField, value: unknown): string {
  if (values !== undefined) return enumName(values, value as number);
  if (message === undefined || isWrapperDesc(message)) return String(value);
  return `{${formatProtoText(message, value as Message)}}`;
}
