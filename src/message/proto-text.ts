import type { DescEnum, DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { presenceTest, propertyReader, zeroOf } from "./properties.js";

/**
 * Formats a message on one line, like Go's protobuf debug output: set fields in the order of their numbers, without maps.
 * Go deliberately varies between one and two spaces between fields from build to build; this uses one.
 */
export function formatProtoText(desc: DescMessage, message: Message): string {
  const fields = [...desc.fields].sort((a, b) => a.number - b.number);
  return fields
    .filter((field) => presenceTest(field)(message))
    .flatMap((field) => formatField(field, propertyReader(field)(message)))
    .join(" ");
}

/** Returns the protobuf name of an enum value, or its number if it has no name. */
export function enumName(desc: DescEnum, number: number): string {
  return desc.value[number]?.name ?? String(number);
}

function formatField(field: DescField, value: unknown): string[] {
  switch (field.fieldKind) {
    case "list":
      // The property of a list field is always an array.
      return (value as readonly unknown[]).map((element) => formatValue(field, element));
    case "map":
      return [];
    default:
      return [formatValue(field, value)];
  }
}

function formatValue({ name, message, enum: ofEnum, oneof, fieldKind }: DescField, value: unknown): string {
  if (message !== undefined) {
    // protobuf-es represents a wrapper message in a field of its own by its value.
    const isPlain = isWrapperDesc(message) && oneof === undefined && fieldKind !== "list";
    const text = isPlain
      ? formatWrapped(message.fields[0], value)
      : formatProtoText(message, value as Message);
    return `${name}:{${text}}`;
  }
  // The property of an enum field is a number.
  return `${name}:${ofEnum === undefined ? formatScalar(value) : enumName(ofEnum, value as number)}`;
}

function formatWrapped(field: DescField & { fieldKind: "scalar" }, value: unknown): string {
  return value === zeroOf(field.scalar) ? "" : `${field.name}:${formatScalar(value)}`;
}

function formatScalar(value: unknown): string {
  return typeof value === "string" ? quote(value) : String(value);
}

const TO_ESCAPE = /[\p{Cc}"\\]/gu;

const SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

function quote(text: string): string {
  return `"${text.replace(TO_ESCAPE, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return code < 0x80 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}
