import { type DescField, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { oneofOf, type Properties, propertiesOf } from "../properties.js";

/** JSON members for which this version of a message has no fields, in their original form. */
export interface UnknownMembers {
  /** Members with unknown names, separated by commas: `"a":1,"b":{}`. May be empty. */
  readonly fields: string;
  /** Members of known enum fields whose value name is unknown. */
  readonly enums: readonly { readonly field: DescField; readonly json: string }[];
}

/** The original JSON of an extension. It is valid as long as the extension's bytes are unchanged. */
interface AnyJson {
  readonly json: string;
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * Unknown JSON is stored separately from the messages so that their hidden classes stay the same, which keeps filters
 * fast. It is released with its message. Copies of a message do not have it.
 */
const membersOf = new WeakMap<object, UnknownMembers>();
const jsonOf = new WeakMap<object, AnyJson>();

/** A step from a message to one inside it: a field, followed by the index in a list or the key in a map. */
export type Step = DescField | number | string;
type Path = readonly Step[];

/** Unknown JSON, with the path of the message that it belongs to. */
export type UnknownJson =
  | { readonly path: Path; readonly members: UnknownMembers }
  /** Without `value`, the extension was decoded as far as its type is known. */
  | { readonly path: Path; readonly any: { json: string; typeUrl: string; value?: Uint8Array } };

/** Attaches unknown JSON to the message that it belongs to. */
export function keepUnknown(root: Message, find: UnknownJson): void {
  const message = messageAt(root, find.path);
  if (message === undefined) return;
  if ("members" in find) {
    membersOf.set(message, find.members);
    return;
  }
  // The path ends at a field of this type.
  const any = message as Any;
  const { json, typeUrl, value } = find.any;
  if (value !== undefined) {
    any.typeUrl = typeUrl;
    any.value = value;
  }
  jsonOf.set(any, { json, typeUrl, value: any.value });
}

function messageAt(root: Message, path: Path): Message | undefined {
  // The path was recorded from the JSON of this message.
  let at: Properties | undefined = propertiesOf(root);
  for (const step of path) {
    if (typeof step !== "object") at = at?.[step] as typeof at;
    else if (step.oneof === undefined) at = at?.[step.localName] as typeof at;
    else at = oneofOf(at, step.oneof.localName).value as typeof at;
  }
  return at as Message | undefined;
}

/** Returns the unknown members that a message was decoded with; undefined for nearly all messages. */
export function unknownMembers(message: object): UnknownMembers | undefined {
  return membersOf.get(message);
}

/** Yields the unknown members that can be written next to the fields of the message. */
export function* writableMembers(
  message: Message,
  { fields, enums }: UnknownMembers,
): Generator<string, void, undefined> {
  if (fields !== "") yield fields;
  for (const { field, json } of enums) {
    // A field that was set later is written itself, and names must be unique.
    if (!isFieldSet(message, field)) yield json;
  }
}

/** Returns the original JSON of an extension; undefined if it was not decoded from JSON or has changed since. */
export function anyJson(any: Any): string | undefined {
  const kept = jsonOf.get(any);
  return kept?.typeUrl === any.typeUrl && kept.value === any.value ? kept.json : undefined;
}
