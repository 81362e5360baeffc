import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { suggest } from "../errors/suggest.js";
import {
  type FlowFilter,
  type FlowFilterJson,
  FlowFilterSchema,
  VerdictSchema,
} from "../gen/flow/flow_pb.js";
import { goQuote } from "../go/strconv/quote.js";

/**
 * A FlowFilter as a message, an init object, or parsed protobuf JSON: field names in lowerCamelCase or as in the proto
 * file, enums by number or name, 64-bit integers as bigint, number or string.
 */
export type FlowFilterInit =
  | FlowFilter
  | {
      readonly [K in keyof InitForm & keyof FlowFilterJson]?:
        | FieldForm<InitForm[K], FlowFilterJson[K]>
        | undefined;
    };

type InitForm = Exclude<MessageInitShape<typeof FlowFilterSchema>, FlowFilter>;

/** A field in either form; lists may mix both forms and may be readonly. */
type FieldForm<Init, Json> =
  NonNullable<Init> extends readonly (infer InitElement)[]
    ? NonNullable<Json> extends readonly (infer JsonElement)[]
      ? readonly (InitElement | JsonElement | (InitElement extends bigint ? number : never))[]
      : never
    : Init | Json;

/** Reports a fault at a path inside the filter, such as `event_type[0].type`. */
export type ReportAt = (path: string, message: string) => void;

/**
 * Converts any of the forms to a message. Values that do not fit their field are reported and replaced by empty values.
 */
export function toFlowFilter(filter: FlowFilterInit, report: ReportAt): FlowFilter {
  const init = convertMessage(FlowFilterSchema, filter, "", report) ?? {};
  // The values have been checked against the descriptor, so they have the init shape.
  return create(FlowFilterSchema, init as MessageInitShape<typeof FlowFilterSchema>);
}

/**
 * Whether an object cannot be meant as a message without fields, which as a filter matches everything: a Map or a Date, for
 * example, has no fields of its own. Plain objects of another realm have a prototype of that realm.
 */
function isForeign(value: object): boolean {
  if ("$typeName" in value || Object.keys(value).length > 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function convertMessage(
  schema: DescMessage,
  value: unknown,
  path: string,
  report: ReportAt,
): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isForeign(value)) {
    report(path, `not a ${schema.name}: ${describe(value)}`);
    return undefined;
  }
  const init: Record<string, unknown> = {};
  for (const [name, content] of Object.entries(value)) {
    if (name === "$typeName" || name === "$unknown") continue;
    const field = schema.fields.find(
      (one) => one.localName === name || one.jsonName === name || one.name === name,
    );
    if (field === undefined) report(join(path, name), unknownField(name, schema));
    else if (content === null || content === undefined) continue;
    else if (Object.hasOwn(init, field.localName)) report(join(path, name), "duplicate field");
    else init[field.localName] = convertField(field, content, join(path, field.name), report);
  }
  return init;
}

function unknownField(name: string, schema: DescMessage): string {
  const names = schema.fields.map((field) => field.localName);
  return withSuggestion(`unknown field of ${schema.name}`, suggest(name, names));
}

function convertField(field: DescField, value: unknown, path: string, report: ReportAt): unknown {
  if (field.fieldKind !== "list") return convertSingular(field, value, path, report);
  if (!Array.isArray(value)) {
    report(path, `not a list: ${describe(value)}`);
    return [];
  }
  // `Array.from` also visits the holes of a sparse array.
  return Array.from(value, (element, index) => convertSingular(field, element, `${path}[${index}]`, report));
}

function convertSingular(field: DescField, value: unknown, path: string, report: ReportAt): unknown {
  if (field.message !== undefined) return convertMessage(field.message, value, path, report) ?? {};
  if (field.enum !== undefined) return convertEnum(field.enum, value, path, report);
  switch (field.scalar) {
    case ScalarType.STRING:
      return typeof value === "string" ? value : refuse(path, `not a text: ${describe(value)}`, "", report);
    case ScalarType.BOOL:
      return typeof value === "boolean"
        ? value
        : refuse(path, `not a boolean: ${describe(value)}`, false, report);
    case ScalarType.UINT64:
      return convertInteger(value, 0n, MAX_UINT64, path, report);
    case ScalarType.UINT32:
      return Number(convertInteger(value, 0n, MAX_UINT32, path, report));
    default:
      return Number(convertInteger(value, MIN_INT32, MAX_INT32, path, report));
  }
}

const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_UINT32 = 2n ** 32n - 1n;
const MIN_INT32 = -(2n ** 31n);
const MAX_INT32 = 2n ** 31n - 1n;

function convertInteger(value: unknown, min: bigint, max: bigint, path: string, report: ReportAt): bigint {
  const integer = toBigint(value);
  if (integer === undefined && Number.isInteger(value)) {
    // Some 64-bit values have no exact number, so the intended value of an unsafe integer is unknown.
    const reason =
      max > Number.MAX_SAFE_INTEGER ? "not exact as a number, write it as text or bigint" : "out of range";
    return refuse(path, `${reason}: ${value}`, 0n, report);
  }
  if (integer === undefined) return refuse(path, `not a whole number: ${describe(value)}`, 0n, report);
  if (integer < min || integer > max) return refuse(path, `out of range: ${integer}`, 0n, report);
  return integer;
}

function toBigint(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === "string" && /^-?[0-9]{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** Accepts numbers that the enum does not define, as protobuf does. */
function convertEnum(schema: DescEnum, value: unknown, path: string, report: ReportAt): number {
  if (typeof value === "string") {
    const named = schema.values.find(({ name }) => name === value);
    if (named !== undefined) return named.number;
    const meant = suggestEnumValue(schema, value);
    return refuse(
      path,
      withSuggestion(`unknown value of ${schema.name}: ${describe(value)}`, meant),
      0,
      report,
    );
  }
  return Number(convertInteger(value, MIN_INT32, MAX_INT32, path, report));
}

/** Terms of policies and firewalls, by the corresponding Hubble verdict. */
const VERDICT_WORDS: Readonly<Record<string, string>> = {
  ...{
    ALLOW: "FORWARDED",
    ALLOWED: "FORWARDED",
    ACCEPT: "FORWARDED",
    ACCEPTED: "FORWARDED",
    PASS: "FORWARDED",
  },
  ...{
    DENY: "DROPPED",
    DENIED: "DROPPED",
    DROP: "DROPPED",
    REJECT: "DROPPED",
    REJECTED: "DROPPED",
    BLOCK: "DROPPED",
  },
};

/** Returns the verdict that the caller probably meant. */
export function suggestVerdict(given: string): string | undefined {
  return suggestEnumValue(VerdictSchema, given);
}

/**
 * Returns the enum value that the caller probably meant, ignoring case and, for verdicts, also accepting
 * {@link VERDICT_WORDS}.
 */
function suggestEnumValue({ name, values }: DescEnum, given: string): string | undefined {
  const names = values.map((value) => value.name);
  const words = name === "Verdict" ? VERDICT_WORDS : {};
  const near = suggest(given.toUpperCase(), [...names, ...Object.keys(words)]);
  return near === undefined ? undefined : (words[near] ?? near);
}

function withSuggestion(text: string, meant: string | undefined): string {
  return meant === undefined ? text : `${text}; did you mean ${meant}?`;
}

function refuse<T>(path: string, message: string, instead: T, report: ReportAt): T {
  report(path, message);
  return instead;
}

function describe(value: unknown): string {
  if (typeof value === "string") return goQuote(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
