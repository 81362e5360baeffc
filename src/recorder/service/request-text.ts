import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { cutMiddle } from "../../errors/cut-text.js";
import { type RecordRequest, RecordRequestSchema } from "../../gen/recorder/recorder_pb.js";
import { goQuote } from "../../go/strconv/quote.js";

/** Quote at most this many UTF-16 code units from the start and from the end of a request. */
const HEAD = 700;
const TAIL = 300;

/** List items beyond this number are skipped before formatting, as a request may contain many thousands. */
const MAX_ITEMS = 16;

/**
 * Formats a request as Go's protobuf does on one line, quoted as by `%q`: `"stop:{}"`. Go randomly inserts a second
 * space to discourage parsing; this always uses one.
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
      return []; // The Recorder messages have no maps.
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
