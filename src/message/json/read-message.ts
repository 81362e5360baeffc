import { type DescMessage, fromJsonString, type Message, type Registry } from "@bufbuild/protobuf";
import { FALLBACK, jsonReader, type ReadState } from "./read.js";
import { separateUnknown } from "./separate.js";

/** A decoded message and its unknown values. */
export interface MessageReading {
  readonly message: Message;
  /** Descriptions of unknown fields, enum value names and extension types: distinct, at most one hundred. */
  readonly unknown: readonly string[];
}

/**
 * Decodes the JSON of a message. It is built directly from the output of `JSON.parse`; unusual input falls back to
 * protobuf-es.
 *
 * @param json The result of `JSON.parse` for `text`, an object.
 * @param registry The types of messages in extensions.
 * @throws Error describing the fault if the JSON does not match the type.
 */
export function readMessage(
  schema: DescMessage,
  json: object,
  text: string,
  registry: Registry,
): MessageReading {
  return readQuickly(schema, json, text, registry) ?? readThoroughly(schema, text, registry);
}

/** The fast path. Returns undefined if the input needs the strict one. */
function readQuickly(
  schema: DescMessage,
  json: object,
  text: string,
  registry: Registry,
): MessageReading | undefined {
  // In valid UTF-8, an unpaired surrogate can only come from an escape.
  if (text.includes("\\u") && (text.includes("\\ud") || text.includes("\\uD"))) return undefined;
  const state: ReadState = { registry, members: 0, hasUnknown: false };
  try {
    const message = jsonReader(schema)(json, state);
    if (state.members !== countNames(text)) return undefined;
    if (!state.hasUnknown) return { message, unknown: [] };
    const { notes, attachTo } = separateUnknown(schema, text, registry);
    attachTo(message);
    return { message, unknown: notes };
  } catch (error) {
    if (error === FALLBACK) return undefined;
    throw error;
  }
}

const COLON = 0x3a;
const COMMA = 0x2c;
const BRACKET = 0x5b;

/**
 * Counts the member names in JSON that has no white space before colons. Other JSON gives a different count and falls
 * back to the strict path. `JSON.parse` keeps only the last of duplicate members, so duplicates also change the count.
 * (White space before a colon elsewhere in the same line may compensate for a duplicate; then the last one is used.)
 */
function countNames(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) {
    // A quote after one of these opens a value such as "::1".
    const before = text.charCodeAt(at - 1);
    if (before !== COLON && before !== COMMA && before !== BRACKET) count++;
  }
  return count;
}

/** The strict path: protobuf-es decodes everything that is known and rejects duplicate names. */
function readThoroughly(schema: DescMessage, text: string, registry: Registry): MessageReading {
  const { known, notes, attachTo } = separateUnknown(schema, text, registry);
  const message = fromJsonString(schema, known(), { registry });
  attachTo(message);
  return { message, unknown: notes };
}
