import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { cutMiddle } from "../../errors/cut-text.js";
import { type RecordRequest, RecordRequestSchema } from "../../gen/recorder/recorder_pb.js";
import { goQuote } from "../../go/quote.js";

/** So many UTF-16 code units of the beginning and of the end of a request are quoted. */
const HEAD = 700;
const TAIL = 300;

/** Filters beyond these are left out before anything is written: a request may hold many thousands. */
const MAX_ITEMS = 16;

/**
 * A request as Go's protobuf prints it in one line, quoted as by `%q`: `"stop:{}"`. Where Go sometimes puts two spaces,
 * so that nobody relies on it, this has one.
 */
export function requestText(request: RecordRequest): string {
  return goQuote(cutMiddle(messageText(reflect(RecordRequestSchema, request)), HEAD, TAIL));
}

function messageText(message: ReflectMessage): string {
  const parts: string[] = [];
  for (const field of message.sortedFields) {
    if (message.isSet(field)) parts.push(...fieldTexts(message, field));
  }
  return parts.join(" ");
}

function fieldTexts(message: ReflectMessage, field: DescField): string[] {
  switch (field.fieldKind) {
    case "message":
      return [`${field.name}:{${messageText(message.get(field))}}`];
    case "enum":
      return [`${field.name}:${enumText(field.enum, message.get(field))}`];
    case "list":
      return listTexts(message, field);
    case "scalar":
      return [`${field.name}:${scalarText(message.get(field))}`];
    default:
      return []; // The messages of the Recorder have no maps.
  }
}

function listTexts(message: ReflectMessage, field: DescField & { fieldKind: "list" }): string[] {
  const texts: string[] = [];
  for (const item of message.get(field)) {
    if (texts.length === MAX_ITEMS) return [...texts, "…"];
    texts.push(`${field.name}:${isMessage(item) ? `{${messageText(item)}}` : scalarText(item)}`);
  }
  return texts;
}

function isMessage(value: unknown): value is ReflectMessage & { readonly desc: DescMessage } {
  return typeof value === "object" && value !== null && "sortedFields" in value;
}

function enumText(desc: DescEnum, number: number): string {
  return desc.value[number]?.name ?? String(number);
}

function scalarText(value: unknown): string {
  return typeof value === "string" ? goQuote(value) : String(value);
}
