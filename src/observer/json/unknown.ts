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

/** From a message to one inside it: fields, and behind these the index of a list or the key of a map. */
export type Step = DescField | number | string;
type Path = readonly Step[];

/** Unknown JSON, and the message inside another that it belongs to. */
export type UnknownJson =
  | { readonly path: Path; readonly members: UnknownMembers }
  /** Without `value` the extension was decoded, as far as its type is known. */
  | { readonly path: Path; readonly any: { json: string; typeUrl: string; value?: Uint8Array } };

/** Keeps unknown JSON for the message that it belongs to. */
export function keepUnknown(root: Message, find: UnknownJson): void {
  const message = messageAt(root, find.path);
  if (message === undefined) return;
  if ("members" in find) {
    membersOf.set(message, find.members);
    return;
  }
  // The path leads to a field of this type.
  const any = message as Any;
  const { json, typeUrl, value } = find.any;
  if (value !== undefined) {
    any.typeUrl = typeUrl;
    any.value = value;
  }
  jsonOf.set(any, { json, typeUrl, value: any.value });
}

function messageAt(root: Message, path: Path): Message | undefined {
  // Every step was found in the JSON that the message was read from.
  let at = root as unknown as Record<string, unknown> | undefined;
  for (const step of path) {
    if (typeof step !== "object") at = at?.[step] as typeof at;
    else if (step.oneof === undefined) at = at?.[step.localName] as typeof at;
    else at = (at?.[step.oneof.localName] as { value?: typeof at } | undefined)?.value;
  }
  return at as Message | undefined;
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
