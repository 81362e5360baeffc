import { type DescField, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";

/** JSON of a message that this version has no fields for, as it stood in the text. */
export interface UnknownMembers {
  /** Members with unknown names, separated by commas: `"a":1,"b":{}`; may be empty. */
  readonly fields: string;
  /** Members of known enum fields whose value has an unknown name. */
  readonly enums: readonly { readonly field: DescField; readonly json: string }[];
}

/** JSON of an extension, which stands for its bytes as long as these are the ones it was read with. */
interface AnyJson {
  readonly json: string;
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * Unknown JSON is kept beside the messages, not on them: their shapes stay the same, which keeps filters fast, and it is
 * released together with its message. A copy of a message does not have it.
 */
const membersOf = new WeakMap<object, UnknownMembers>();
const jsonOf = new WeakMap<object, AnyJson>();

/** Keeps what `message` was read with for {@link unknownMembers}. */
export function keepUnknownMembers(message: Message, members: UnknownMembers): void {
  membersOf.set(message, members);
}

/** Keeps the JSON that `any` was read from for {@link anyJson}. */
export function keepAnyJson(any: Any, json: string): void {
  jsonOf.set(any, { json, typeUrl: any.typeUrl, value: any.value });
}

/** What a message was read with and does not hold; undefined for nearly all messages. */
export function unknownMembers(message: object): UnknownMembers | undefined {
  return membersOf.get(message);
}

/** Members of {@link UnknownMembers} that may be written beside the fields of the message. */
export function* writableMembers(
  message: Message,
  { fields, enums }: UnknownMembers,
): Generator<string, void, undefined> {
  if (fields !== "") yield fields;
  for (const { field, json } of enums) {
    // A field that was set since then is written itself, and a name must not occur twice.
    if (!isFieldSet(message, field)) yield json;
  }
}

/** The JSON that an extension was read from; undefined when it was not, or was changed since then. */
export function anyJson(any: Any): string | undefined {
  const kept = jsonOf.get(any);
  return kept?.typeUrl === any.typeUrl && kept.value === any.value ? kept.json : undefined;
}
