import {
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { type Any, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { copyOf } from "../copy-text.js";
import { cutText } from "../cut-text.js";
import { readAny, typeNameOf } from "./json-any.js";
import { plainInteger } from "./json-integer.js";
import { elementsAt, type JsonMember, membersAt, OPEN_LIST, OPEN_OBJECT } from "./json-scan.js";
import { keepAnyJson, keepUnknownMembers, type UnknownMembers } from "./json-unknown.js";

/** How deep messages may nest, as for `fromJson` of protobuf-es, which refuses what is left below. */
const MAX_DEPTH = 100;
/** Different notes about one line; more are not collected. */
const MAX_NOTES = 100;
/** UTF-16 code units of a name that a note quotes. */
const MAX_QUOTED_LENGTH = 200;

/** JSON of a message, separated into what this version knows and what it does not. */
export interface SeparatedJson {
  /**
   * The JSON without unknown fields and enum names, with `{}` for extensions that cannot be decoded, and with integers of
   * 64 bits as strings wherever `JSON.parse` might round them.
   */
  readonly known: string;
  /** What is unknown, in words, each once. */
  readonly notes: readonly string[];
  /** Keeps what is unknown for a message that was read from {@link known}, or from the whole JSON by `jsonReader`. */
  attachTo(message: Message): void;
}

/**
 * Separates what the types do not know from the JSON of a message.
 *
 * @param json An object, accepted by `JSON.parse`.
 * @param registry The types that extensions may hold.
 */
export function separateUnknown(schema: DescMessage, json: string, registry: Registry): SeparatedJson {
  const separator = new Separator(json, registry);
  const known = separator.message(schema, json.indexOf("{"), []);
  const { notes, finds } = separator;
  return {
    known,
    notes: [...notes],
    attachTo: (message) => {
      for (const find of finds) attach(message, find);
    },
  };
}

/** From a message to one inside it: fields, and behind these the index of a list or the key of a map. */
type Path = readonly (DescField | number | string)[];

type Find =
  | { readonly path: Path; readonly members: UnknownMembers }
  /** Without `value` the extension was decoded, as far as its type is known. */
  | { readonly path: Path; readonly any: { json: string; typeUrl: string; value?: Uint8Array } };

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function attach(root: Message, find: Find): void {
  const message = messageAt(root, find.path);
  if (message === undefined) return;
  if ("members" in find) {
    keepUnknownMembers(message, find.members);
    return;
  }
  // The path leads to a field of this type.
  const any = message as Writable<Any>;
  const { json, typeUrl, value } = find.any;
  if (value !== undefined) {
    any.typeUrl = typeUrl;
    any.value = value;
  }
  keepAnyJson(any, json);
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

const fieldsByName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<string, DescField> {
  let fields = fieldsByName.get(schema);
  if (fields === undefined) {
    fields = new Map(
      schema.fields.flatMap(
        (field) =>
          [
            [field.jsonName, field],
            [field.name, field],
          ] as const,
      ),
    );
    fieldsByName.set(schema, fields);
  }
  return fields;
}

/** Messages whose JSON is not an object of their fields, besides `Any` and the wrappers. */
const OTHER_FORMS: ReadonlySet<string> = new Set(
  ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue"].map(
    (name) => `google.protobuf.${name}`,
  ),
);

class Separator {
  readonly #json: string;
  readonly #registry: Registry;
  readonly notes = new Set<string>();
  readonly finds: Find[] = [];
  #depth = 0;

  constructor(json: string, registry: Registry) {
    this.#json = json;
    this.#registry = registry;
  }

  /** The known part of the object that begins at `at`. */
  message(schema: DescMessage, at: number, path: Path, isContent = false): string {
    const fields = fieldsOf(schema);
    const known: string[] = [];
    const unknown: string[] = [];
    const enums: UnknownMembers["enums"][number][] = [];
    for (const member of membersAt(this.#json, at)) {
      const { name, nameStart, valueStart, valueEnd } = member;
      const field = fields.get(name);
      if (field === undefined) {
        if (isContent && name === "@type") {
          known.push(this.#json.slice(nameStart, valueEnd));
          continue;
        }
        this.#note(`${schema.typeName} has no field ${quoted(name)}`);
        unknown.push(this.#json.slice(nameStart, valueEnd));
      } else if (field.fieldKind === "enum" && this.#hasUnknownName(field, member)) {
        enums.push({ field, json: kept(this.#json.slice(nameStart, valueEnd)) });
      } else {
        known.push(this.#json.slice(nameStart, valueStart) + this.#value(field, member, [...path, field]));
      }
    }
    if (unknown.length > 0 || enums.length > 0) {
      this.finds.push({ path, members: { fields: kept(unknown.join(",")), enums } });
    }
    return `{${known.join(",")}}`;
  }

  #note(note: string): void {
    if (this.notes.size < MAX_NOTES) this.notes.add(note);
  }

  #hasUnknownName({ enum: schema }: DescField & { fieldKind: "enum" }, member: JsonMember): boolean {
    if (schema.typeName === "google.protobuf.NullValue" || this.#json[member.valueStart] !== '"')
      return false;
    // It begins as a string does.
    const name = JSON.parse(this.#json.slice(member.valueStart, member.valueEnd)) as string;
    if (schema.values.some((value) => value.name === name || value.jsonName === name)) return false;
    this.#note(`${schema.typeName} has no value ${quoted(name)}`);
    return true;
  }

  #value(field: DescField, { valueStart, valueEnd }: JsonMember, path: Path): string {
    const code = this.#json.charCodeAt(valueStart);
    switch (field.fieldKind) {
      case "list":
        return code === OPEN_LIST
          ? this.#list(field, valueStart, path)
          : this.#json.slice(valueStart, valueEnd);
      case "map":
        return code === OPEN_OBJECT
          ? this.#map(field, valueStart, path)
          : this.#json.slice(valueStart, valueEnd);
      case "message":
        return this.#messageValue(field.message, valueStart, valueEnd, path);
      case "scalar":
        return this.#scalar(field.scalar, valueStart, valueEnd);
      case "enum":
        return this.#json.slice(valueStart, valueEnd);
    }
  }

  #list(field: DescField & { fieldKind: "list" }, at: number, path: Path): string {
    const known: string[] = [];
    for (const { start, end } of elementsAt(this.#json, at)) {
      known.push(this.#element(field, field.listKind, start, end, [...path, known.length]));
    }
    return `[${known.join(",")}]`;
  }

  #map(field: DescField & { fieldKind: "map" }, at: number, path: Path): string {
    const known: string[] = [];
    for (const { name, nameStart, valueStart, valueEnd } of membersAt(this.#json, at)) {
      const label = this.#json.slice(nameStart, valueStart);
      known.push(label + this.#element(field, field.mapKind, valueStart, valueEnd, [...path, name]));
    }
    return `{${known.join(",")}}`;
  }

  #element(
    { scalar, message }: DescField & { fieldKind: "list" | "map" },
    kind: "scalar" | "enum" | "message",
    start: number,
    end: number,
    path: Path,
  ): string {
    // The kind says which of the two there is.
    if (kind === "message") return this.#messageValue(message as DescMessage, start, end, path);
    if (kind === "scalar") return this.#scalar(scalar as ScalarType, start, end);
    return this.#json.slice(start, end);
  }

  #scalar(type: ScalarType, start: number, end: number): string {
    const json = this.#json.slice(start, end);
    if (!LONG_TYPES.has(type) || json.startsWith('"')) return json;
    const integer = plainInteger(json);
    return integer === undefined ? json : `"${integer}"`;
  }

  #messageValue(schema: DescMessage, start: number, end: number, path: Path): string {
    if (isWrapperDesc(schema)) return this.#scalar(schema.fields[0].scalar, start, end);
    const isObject = this.#json.charCodeAt(start) === OPEN_OBJECT;
    if (!isObject || OTHER_FORMS.has(schema.typeName) || this.#depth === MAX_DEPTH) {
      return this.#json.slice(start, end);
    }
    this.#depth++;
    const known =
      schema.typeName === "google.protobuf.Any"
        ? this.#any(start, end, path)
        : this.message(schema, start, path);
    this.#depth--;
    return known;
  }

  /** The JSON of an extension as a whole is kept if anything in it is unknown: its message only exists as bytes. */
  #any(start: number, end: number, path: Path): string {
    const json = this.#json.slice(start, end);
    const { type, bytes, content } = readAny(this.#json, start);
    if (bytes !== undefined) {
      this.finds.push({ path, any: { json: kept(json), typeUrl: type ?? "", value: bytes } });
      return "{}";
    }
    if (type === undefined) return json;
    const name = typeNameOf(type);
    const schema = this.#registry.getMessage(name);
    if (schema === undefined) {
      this.#note(`extensions of type ${quoted(name)} are unknown`);
      this.finds.push({ path, any: { json: kept(json), typeUrl: type, value: new Uint8Array(0) } });
      return "{}";
    }
    const findsBefore = this.finds.length;
    const known = hasOtherForm(schema)
      ? this.#anyOfOtherForm(schema, type, content, json, path)
      : this.message(schema, start, path, true);
    if (this.finds.length > findsBefore) {
      this.finds.length = findsBefore;
      this.finds.push({ path, any: { json: kept(json), typeUrl: type } });
    }
    return known;
  }

  #anyOfOtherForm(
    schema: DescMessage,
    type: string,
    content: JsonMember | undefined,
    json: string,
    path: Path,
  ): string {
    if (content === undefined) return json;
    const value = this.#messageValue(schema, content.valueStart, content.valueEnd, path);
    return `{"@type":${JSON.stringify(type)},"value":${value}}`;
  }
}

const LONG_TYPES: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);

function hasOtherForm(schema: DescMessage): boolean {
  return (
    OTHER_FORMS.has(schema.typeName) || schema.typeName === "google.protobuf.Any" || isWrapperDesc(schema)
  );
}

function quoted(name: string): string {
  return JSON.stringify(cutText(name, MAX_QUOTED_LENGTH));
}

/** A copy on one line that does not keep the text around it in memory. */
function kept(json: string): string {
  // In JSON these are white space: strings have them escaped only.
  return copyOf(/[\n\r\t]/.test(json) ? json.replace(/[\n\r\t]/g, "") : json);
}
