import { describeValue } from "../errors/describe-value.js";
import { suggest } from "../errors/suggest.js";
import {
  aBoolean,
  anObject,
  aString,
  aUint8Array,
  isObject,
  type ReportIssue,
  type ValueCheck,
  valueCheck,
} from "../errors/value-checks.js";
import { type Synonyms, suggestEnumValue } from "./enum.js";
import type { EnumType, FieldType, IntegerType, MessageType, ValueType } from "./type.js";

export interface ReadOptions {
  readonly report: ReportIssue;
  /**
   * `init` accepts messages and init objects only; paths then have the names of TypeScript. `any`, the default, also
   * accepts parsed protobuf JSON: field names in lowerCamelCase or as in the proto file, enums by name, integers as
   * strings, null for unset fields. Paths have the names of the proto file.
   */
  readonly forms?: "init" | "any";
  /** Additional keys that the object may have. Their values are not read. */
  readonly others?: readonly string[];
  /** Terms to suggest enum values for, by the name of the enum. */
  readonly synonyms?: Readonly<Record<string, Synonyms>>;
}

/** The fields of a message in the form that `create` of protobuf-es accepts. */
export type MessageFields = Record<string, unknown>;

/**
 * Reads a message in any of its forms. Reports unknown fields, which `create` of protobuf-es would ignore, and values
 * of the wrong type, which it would accept. A list or message that cannot be read is empty in the result, and any other
 * value has its default, so that elements keep their positions.
 *
 * @param path The path of the message, for issues.
 */
export function readMessage(
  type: MessageType,
  value: unknown,
  path: string,
  options: ReadOptions,
): MessageFields {
  return new MessageReader(options).readMessage(type, value, path, options.others);
}

class MessageReader {
  readonly #report: ReportIssue;
  readonly #readsJson: boolean;
  readonly #synonyms: Readonly<Record<string, Synonyms>>;

  constructor({ report, forms = "any", synonyms = {} }: ReadOptions) {
    this.#report = report;
    this.#readsJson = forms === "any";
    this.#synonyms = synonyms;
  }

  readMessage(
    type: MessageType,
    value: unknown,
    path: string,
    others: readonly string[] = [],
  ): MessageFields {
    if (!isObject(value) || isForeign(value)) return this.#readString(type, value, path);
    const fields: MessageFields = {};
    const known = this.#readsJson ? fieldsByName(type) : fieldsByLocalName(type);
    for (const [name, content] of Object.entries(value)) {
      if (others.includes(name) || name === "$typeName" || name === "$unknown") continue;
      const field = known.get(name);
      if (field !== undefined) {
        const isUnset = content === undefined || (content === null && this.#readsJson);
        if (!isUnset) this.#readField(fields, field, content, path, name);
      } else if (isOneof(type, name)) {
        if (content !== undefined) fields[name] = this.#readOneof(type, name, content, join(path, name));
      } else this.#report(join(path, name), this.#unknownField(type, name, others));
    }
    return fields;
  }

  /** Reads a message whose JSON form is a string. */
  #readString({ name, json }: MessageType, value: unknown, path: string): MessageFields {
    const fields =
      this.#readsJson && json !== undefined && typeof value === "string" ? json.parse(value) : undefined;
    if (fields !== undefined) return { ...fields };
    const expected = this.#readsJson && json !== undefined ? json.expected : withArticle(name);
    this.#report(path, `must be ${expected}, not ${describeValue(value)}`);
    return {};
  }

  /** @param given The name that was given. */
  #readField(fields: MessageFields, field: FieldType, content: unknown, path: string, given: string): void {
    const { localName, oneof, isList, value } = field;
    const key = oneof ?? localName;
    if (Object.hasOwn(fields, key)) {
      this.#report(join(path, given), "is a duplicate field");
      return;
    }
    const at = join(path, this.#readsJson ? field.name : given);
    const read = isList ? this.#readList(value, content, at) : this.#readValue(value, content, at);
    fields[key] = oneof === undefined ? read : { case: localName, value: read };
  }

  #readList(type: ValueType, value: unknown, path: string): unknown[] {
    if (!Array.isArray(value)) {
      this.#report(path, `must be a list, not ${describeValue(value)}`);
      return [];
    }
    const isString = type.kind === "string";
    // `Array.from` also visits the holes of a sparse array. Strings, the usual elements, need no path.
    return Array.from(value, (element, index) =>
      isString && typeof element === "string" ? element : this.#readValue(type, element, `${path}[${index}]`),
    );
  }

  /** Reads a oneof of an init object: `{ case: "flow", value: … }`, or `{ case: undefined }`. */
  #readOneof(type: MessageType, name: string, content: unknown, path: string): unknown {
    if (!isObject(content)) {
      anObject(content, path, this.#report);
      return { case: undefined };
    }
    const { case: chosen, value } = content as { readonly case?: unknown; readonly value?: unknown };
    if (chosen === undefined) return { case: undefined };
    const cases = type.fields.filter(({ oneof }) => oneof === name);
    const field = cases.find(({ localName }) => localName === chosen);
    if (field === undefined) {
      const names = cases.map(({ localName }) => localName).join(", ");
      this.#report(join(path, "case"), `must be one of ${names}, not ${describeValue(chosen)}`);
      return { case: undefined };
    }
    return { case: chosen, value: this.#readValue(field.value, value, join(path, "value")) };
  }

  #readValue(type: ValueType, value: unknown, path: string): unknown {
    switch (type.kind) {
      case "message":
        return this.readMessage(type.type(), value, path);
      case "enum":
        return this.#readEnum(type, value, path);
      case "integer":
        return this.#readInteger(type, value, path);
      case "string":
        return this.#checked(aString, value, path, "");
      case "bool":
        return this.#checked(aBoolean, value, path, false);
      case "double":
        return this.#checked(aDouble, value, path, 0);
      case "bytes":
        return this.#checked(aUint8Array, value, path, new Uint8Array(0));
      case "object":
        return this.#checked(anObject, value, path, {});
    }
  }

  #checked<V>(check: ValueCheck<V>, value: unknown, path: string, instead: V): unknown {
    let isValid = true;
    check(value, path, (at, message) => {
      isValid = false;
      this.#report(at, message);
    });
    return isValid ? value : instead;
  }

  #readEnum(type: EnumType, value: unknown, path: string): unknown {
    if (typeof value !== "string" || !this.#readsJson) return this.#readInteger(ENUM_NUMBER, value, path);
    const named = type.values.find(({ name }) => name === value);
    if (named !== undefined) return named.number;
    const meant = suggestEnumValue(type, value, this.#synonyms[type.name]);
    this.#report(path, withSuggestion(`is not a value of ${type.name}: ${describeValue(value)}`, meant));
    return 0;
  }

  #readInteger({ least, most, as }: IntegerType, value: unknown, path: string): unknown {
    const integer = this.#toBigint(value, as === "bigint");
    if (integer !== undefined && integer >= least && integer <= most) {
      return as === "bigint" ? integer : Number(integer);
    }
    if (integer === undefined && !Number.isInteger(value)) {
      this.#report(path, `must be an integer, not ${describeValue(value)}`);
    } else if (integer === undefined && as === "bigint") {
      // Some 64-bit values have no exact number, so the intended value of an unsafe integer is unknown.
      this.#report(path, `is not exact as a number, use a bigint or a string: ${describeValue(value)}`);
    } else {
      this.#report(path, `must be an integer from ${least} to ${most}, not ${describeValue(value)}`);
    }
    return as === "bigint" ? 0n : 0;
  }

  /** protobuf-es also encodes 64-bit fields that are numbers or strings. */
  #toBigint(value: unknown, isLong: boolean): bigint | undefined {
    if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
    if (!this.#readsJson && !isLong) return undefined;
    if (typeof value === "bigint") return value;
    return typeof value === "string" && /^-?[0-9]{1,20}$/.test(value) ? BigInt(value) : undefined;
  }

  /** Suggests a name in the notation that the caller uses. */
  #unknownField({ name, fields }: MessageType, given: string, others: readonly string[]): string {
    const inProto = this.#readsJson && given.includes("_");
    const known = fields.map((field) =>
      inProto ? field.name : this.#readsJson ? field.localName : (field.oneof ?? field.localName),
    );
    const names = [...new Set([...known, ...others])];
    const meant = suggest(given, names);
    const text = `is not a field of ${name}`;
    if (meant !== undefined || names.length === 0 || names.length > MAX_LISTED) {
      return withSuggestion(text, meant);
    }
    return `${text}; known are ${names.join(", ")}`;
  }
}

const NAMES = ["name", "jsonName", "localName"] as const;

type FieldMap = ReadonlyMap<string, FieldType>;

/** The fields of a type by each of their names. */
const fieldsByName = memoized((fields) => fields.flatMap((field) => NAMES.map((key) => [field[key], field])));

/** The fields of a type by their names in TypeScript, without those that a oneof contains. */
const fieldsByLocalName = memoized((fields) =>
  fields.filter(({ oneof }) => oneof === undefined).map((field) => [field.localName, field]),
);

function memoized(
  entriesOf: (fields: readonly FieldType[]) => readonly (readonly [name: string, field: FieldType])[],
): (type: MessageType) => FieldMap {
  const maps = new WeakMap<MessageType, FieldMap>();
  return (type) => {
    let map = maps.get(type);
    if (map === undefined) {
      map = new Map(entriesOf(type.fields));
      maps.set(type, map);
    }
    return map;
  };
}

/** The maximum number of known fields that the message about an unknown one lists. */
const MAX_LISTED = 8;

const aDouble: ValueCheck<number> = valueCheck("a number", (value) => typeof value === "number");

const ENUM_NUMBER: IntegerType = { kind: "integer", least: -(2n ** 31n), most: 2n ** 31n - 1n, as: "number" };

/**
 * Whether an object cannot be meant as a message without fields, which as a filter matches everything: a Map or a Date,
 * for example, has no fields of its own. Plain objects of another realm have a prototype of that realm.
 */
function isForeign(value: object): boolean {
  if ("$typeName" in value || Object.keys(value).length > 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function isOneof({ fields }: MessageType, name: string): boolean {
  return fields.some(({ oneof }) => oneof === name);
}

function withArticle(name: string): string {
  return `${/^(?:[AEIO]|H[A-Z])/.test(name) ? "an" : "a"} ${name}`;
}

function withSuggestion(text: string, meant: string | undefined): string {
  return meant === undefined ? text : `${text}; did you mean ${meant}?`;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
