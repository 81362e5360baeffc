import {
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { copyOf } from "../../bytes/copy-string.js";
import { cutText } from "../../errors/cut-text.js";
import { jsonFieldsOf } from "../properties.js";
import { readAny, typeNameOf } from "./any.js";
import { plainInteger } from "./integer.js";
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  hasInfiniteNumber,
  nameOf,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSeparator,
  skipSpace,
  skipString,
  skipValue,
} from "./scan.js";
import { keepUnknown, type Step, type UnknownJson, type UnknownMembers } from "./unknown.js";

/** The maximum nesting of messages, as for `fromJson` of protobuf-es, which rejects deeper ones. */
const MAX_DEPTH = 100;
/** The maximum number of distinct notes per line. */
const MAX_NOTES = 100;
/** The maximum length of a name that a note quotes, in UTF-16 code units. */
const MAX_QUOTED_LENGTH = 200;

/** The unknown parts of a message's JSON. */
export interface SeparatedJson {
  /** Distinct descriptions of what is unknown. */
  readonly notes: readonly string[];
  /**
   * Returns the JSON without unknown fields and enum names, with `{}` for extensions that cannot be decoded, and with
   * 64-bit integers as strings.
   */
  known(): string;
  /**
   * Attaches the unknown JSON to a message that was decoded from {@link known}, or from the whole JSON by `jsonReader`.
   */
  attachTo(message: Message): void;
}

/**
 * Separates unknown fields, enum names and extensions from the JSON of a message.
 *
 * @param json An object that `JSON.parse` has accepted.
 * @param registry The types of messages in extensions.
 */
export function separateUnknown(schema: DescMessage, json: string, registry: Registry): SeparatedJson {
  const separator = new Separator(json, registry);
  separator.readObject(schema, json.indexOf("{"));
  const { notes, finds, edits } = separator;
  return {
    notes: [...notes],
    known: () => applyEdits(json, edits),
    attachTo: (message) => {
      for (const find of finds) keepUnknown(message, find);
    },
  };
}

/** A replacement of a part of the JSON. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** @param edits Sorted by position. */
function applyEdits(json: string, edits: readonly Edit[]): string {
  let edited = "";
  let copied = 0;
  for (const { start, end, text } of edits) {
    edited += json.slice(copied, start) + text;
    copied = end;
  }
  return edited + json.slice(copied);
}

/** Messages whose JSON form is not an object of their fields, besides `Any` and the wrappers. */
const OTHER_FORMS: ReadonlySet<string> = new Set(
  ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue"].map(
    (name) => `google.protobuf.${name}`,
  ),
);

/** The {@link OTHER_FORMS} that can hold any JSON. */
const JSON_VALUES: ReadonlySet<string> = new Set(
  ["Struct", "Value", "ListValue"].map((name) => `google.protobuf.${name}`),
);

/** Reads the JSON in a single pass; {@link Separator.#at} is the current position. */
class Separator {
  readonly #json: string;
  readonly #registry: Registry;
  readonly notes = new Set<string>();
  readonly finds: UnknownJson[] = [];
  readonly edits: Edit[] = [];
  /** The path of the current value. */
  readonly #path: Step[] = [];
  #at = 0;
  #depth = 0;

  constructor(json: string, registry: Registry) {
    this.#json = json;
    this.#registry = registry;
  }

  /**
   * Reads the object at `start` and stops after its end.
   *
   * @param isContent Whether the object is the content of an extension, which has `@type` in addition to its fields.
   */
  readObject(schema: DescMessage, start: number, isContent = false): void {
    const json = this.#json;
    const fields = jsonFieldsOf(schema);
    let unknown = "";
    const enums: UnknownMembers["enums"][number][] = [];
    /** The end of the last member that is kept. */
    let knownEnd = start + 1;
    this.#at = skipSpace(json, start + 1);
    while (json.charCodeAt(this.#at) !== CLOSE_OBJECT) {
      const nameStart = this.#at;
      const nameEnd = skipString(json, nameStart);
      const name = nameOf(json, nameStart, nameEnd);
      this.#at = skipSpace(json, skipSpace(json, nameEnd) + 1);
      const field = fields.get(name);
      let isKnown = true;
      if (field === undefined) {
        this.#at = skipValue(json, this.#at);
        isKnown = isContent && name === "@type";
        if (!isKnown) {
          this.#note(`${schema.typeName} has no field ${quoted(name)}`);
          unknown += `${unknown && ","}${json.slice(nameStart, this.#at)}`;
        }
      } else if (field.fieldKind === "enum") {
        isKnown = this.#readEnum(field);
        if (!isKnown) enums.push({ field, json: kept(json.slice(nameStart, this.#at)) });
      } else {
        this.#path.push(field);
        this.#readValue(field);
        this.#path.pop();
      }
      const end = this.#at;
      this.#at = skipSeparator(json, end);
      if (isKnown) knownEnd = end;
      else this.#removeMember(nameStart, end, knownEnd);
    }
    this.#at++;
    if (unknown !== "" || enums.length > 0) {
      this.finds.push({ path: [...this.#path], members: { fields: kept(unknown), enums } });
    }
  }

  #note(note: string): void {
    if (this.notes.size < MAX_NOTES) this.notes.add(note);
  }

  /**
   * Removes a member and the comma after it. For the last member, removes everything after the last member that is
   * kept.
   */
  #removeMember(start: number, end: number, knownEnd: number): void {
    if (this.#json.charCodeAt(this.#at) !== CLOSE_OBJECT) {
      this.edits.push({ start, end: this.#at, text: "" });
      return;
    }
    while ((this.edits.at(-1)?.start ?? -1) >= knownEnd) this.edits.pop();
    this.edits.push({ start: knownEnd, end, text: "" });
  }

  /** Reads the value of an enum; returns whether it is known. */
  #readEnum({ enum: schema }: DescField & { fieldKind: "enum" }): boolean {
    const start = this.#at;
    this.#at = skipValue(this.#json, start);
    if (this.#json.charCodeAt(start) !== QUOTE || schema.typeName === "google.protobuf.NullValue")
      return true;
    const name = nameOf(this.#json, start, this.#at);
    if (schema.values.some((value) => value.name === name || value.jsonName === name)) return true;
    this.#note(`${schema.typeName} has no value ${quoted(name)}`);
    return false;
  }

  #readValue(field: DescField): void {
    const code = this.#json.charCodeAt(this.#at);
    if (field.fieldKind === "message") this.#readMessage(field.message);
    else if (field.fieldKind === "scalar") this.#readScalar(field.scalar);
    else if (field.fieldKind === "list" && code === OPEN_LIST) this.#readElements(field, field.listKind);
    else if (field.fieldKind === "map" && code === OPEN_OBJECT) this.#readEntries(field, field.mapKind);
    else this.#at = skipValue(this.#json, this.#at);
  }

  #readElements(field: DescField & { fieldKind: "list" }, kind: ElementKind): void {
    this.#at = skipSpace(this.#json, this.#at + 1);
    for (let index = 0; this.#json.charCodeAt(this.#at) !== CLOSE_LIST; index++) {
      this.#readElement(field, kind, index);
      this.#at = skipSeparator(this.#json, this.#at);
    }
    this.#at++;
  }

  #readEntries(field: DescField & { fieldKind: "map" }, kind: ElementKind): void {
    this.#at = skipSpace(this.#json, this.#at + 1);
    while (this.#json.charCodeAt(this.#at) !== CLOSE_OBJECT) {
      const keyStart = this.#at;
      const keyEnd = skipString(this.#json, keyStart);
      this.#at = skipSpace(this.#json, skipSpace(this.#json, keyEnd) + 1);
      this.#readElement(field, kind, nameOf(this.#json, keyStart, keyEnd));
      this.#at = skipSeparator(this.#json, this.#at);
    }
    this.#at++;
  }

  #readElement(
    { scalar, message }: DescField & { fieldKind: "list" | "map" },
    kind: ElementKind,
    step: Step,
  ): void {
    this.#path.push(step);
    // The kind determines which of the two is set.
    if (kind === "message") this.#readMessage(message as DescMessage);
    else if (kind === "scalar") this.#readScalar(scalar as ScalarType);
    else this.#at = skipValue(this.#json, this.#at);
    this.#path.pop();
  }

  #readScalar(type: ScalarType): void {
    const start = this.#at;
    this.#at = skipValue(this.#json, start);
    if (!LONG_TYPES.has(type) || this.#json.charCodeAt(start) === QUOTE) return;
    const integer = plainInteger(this.#json.slice(start, this.#at));
    if (integer !== undefined) this.edits.push({ start, end: this.#at, text: `"${integer}"` });
  }

  #readMessage(schema: DescMessage): void {
    const isObject = this.#json.charCodeAt(this.#at) === OPEN_OBJECT;
    if (isWrapperDesc(schema)) {
      this.#readScalar(schema.fields[0].scalar);
    } else if (!isObject || OTHER_FORMS.has(schema.typeName) || this.#depth === MAX_DEPTH) {
      const start = this.#at;
      this.#at = skipValue(this.#json, start);
      if (JSON_VALUES.has(schema.typeName) && hasInfiniteNumber(this.#json, start, this.#at)) {
        this.#note(`${schema.typeName} has a number that is too large for a double`);
        // The message has no JSON form, so the surrounding extension keeps its JSON.
        this.finds.push({ path: [...this.#path], members: { fields: "", enums: [] } });
      }
    } else {
      this.#depth++;
      if (schema.typeName === "google.protobuf.Any") this.#readAny();
      else this.readObject(schema, this.#at);
      this.#depth--;
    }
  }

  /** Keeps the whole JSON of an extension if any part of it is unknown, because its message is only stored as bytes. */
  #readAny(): void {
    const start = this.#at;
    const end = skipValue(this.#json, start);
    const { type = "", bytes, content } = readAny(this.#json, start);
    const schema = type === "" ? undefined : this.#registry.getMessage(typeNameOf(type));
    const findsBefore = this.finds.length;
    let value = bytes;
    if (bytes !== undefined || (type !== "" && schema === undefined)) {
      value ??= new Uint8Array(0);
      if (bytes === undefined) this.#note(`extensions of type ${quoted(typeNameOf(type))} are unknown`);
      this.edits.push({ start, end, text: "{}" });
    } else if (schema !== undefined && !hasOtherForm(schema)) {
      this.readObject(schema, start, true);
    } else if (schema !== undefined && content !== undefined) {
      this.#at = content.valueStart;
      this.#readMessage(schema);
    }
    this.#at = end;
    if (value === undefined && this.finds.length === findsBefore) return;
    this.finds.length = findsBefore;
    const any = { json: kept(this.#json.slice(start, end)), typeUrl: type, ...(value && { value }) };
    this.finds.push({ path: [...this.#path], any });
  }
}

type ElementKind = "scalar" | "enum" | "message";

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

/** Copies JSON to a single line. The copy does not keep the original string in memory. */
function kept(json: string): string {
  // In JSON these are always white space; strings contain them only in escaped form.
  return copyOf(/[\n\r\t]/.test(json) ? json.replace(/[\n\r\t]/g, "") : json);
}
