import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { type FlowFilter, FlowFilterSchema } from "../../gen/flow/flow_pb.js";
import { findJsonEnd, skipSpace } from "../../go/json.js";
import type { Result } from "../../go/result.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { jsonFieldsOf } from "../../message/properties.js";

/**
 * Parses concatenated FlowFilters in protobuf's JSON form, with or without white space between them, as in the values
 * of `--allowlist` and `--denylist`: names in lowerCamelCase or as in the proto file, enums by name or number. As
 * strict as Hubble. Faults have Hubble's text (that of protobuf-go 1.28 to 1.34, or since 1.35 with the name of the
 * field), with line and column relative to the filter.
 */
export function parseRawFilters(
  text: string,
  faults: HubbleRules["jsonFaults"] = "type",
): Result<FlowFilter[]> {
  const filters: FlowFilter[] = [];
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const found = findJsonEnd(text, at);
    const parsed = "fault" in found ? found : parseRawFilter(text.slice(at, found.end), faults);
    if ("fault" in parsed) return { fault: `failed to decode '${text}': ${parsed.fault}` };
    filters.push(parsed.value);
    if ("end" in found) at = found.end;
  }
  return { value: filters };
}

/** @param json A single well-formed JSON value without surrounding white space. */
function parseRawFilter(json: string, faults: HubbleRules["jsonFaults"]): Result<FlowFilter> {
  try {
    // The reader returns a message of its schema.
    return { value: new Reader(json, faults).readMessage(FlowFilterSchema) as FlowFilter };
  } catch (error) {
    if (error instanceof ReadFault) return { fault: error.text };
    throw error;
  }
}

/** Only thrown inside {@link parseRawFilter}. */
class ReadFault {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a fault says of the field that cannot hold a value. */
const DESCRIBE_FIELD: {
  readonly [K in HubbleRules["jsonFaults"]]: (kind: string, field: DescField) => string;
} = {
  type: (kind) => `${kind} type`,
  field: (kind, { jsonName }) => `${kind} field ${jsonName}`,
};

const BRACKETS = "{}[]";

/** Decodes well-formed JSON according to a schema, which bounds the recursion depth. */
class Reader {
  readonly #json: string;
  readonly #describe: (kind: string, field: DescField) => string;
  #at = 0;

  constructor(json: string, faults: HubbleRules["jsonFaults"]) {
    this.#json = json;
    this.#describe = DESCRIBE_FIELD[faults];
  }

  readMessage(schema: DescMessage): Message {
    if (this.#peek() !== "{") throw this.#unexpected();
    this.#at++;
    // Has the init shape of the schema because every field is checked against the descriptor.
    const init: Record<string, unknown> = {};
    while (this.#peek() !== "}") {
      if (this.#peek() === ",") this.#at++;
      const start = this.#next();
      const raw = this.#takeToken();
      const name = this.#parseString(raw, start);
      const field = jsonFieldsOf(schema).get(name);
      if (field === undefined) throw this.#fault(start, `unknown field ${raw}`);
      if (Object.hasOwn(init, field.localName)) throw this.#fault(start, `duplicate field ${raw}`);
      this.#next();
      this.#at++;
      if (this.#peek() !== "n") {
        init[field.localName] = this.#readField(field);
        continue;
      }
      this.#takeToken();
      // Null leaves the field unset but still counts toward duplicates.
      init[field.localName] = undefined;
    }
    this.#at++;
    return create(schema, init);
  }

  #readField(field: DescField): unknown {
    if (field.fieldKind !== "list") return this.#readSingular(field);
    if (this.#peek() !== "[") throw this.#unexpected();
    this.#at++;
    const elements: unknown[] = [];
    while (this.#peek() !== "]") {
      if (this.#peek() === ",") this.#at++;
      elements.push(this.#readSingular(field));
    }
    this.#at++;
    return elements;
  }

  #readSingular(field: DescField): unknown {
    if (field.message !== undefined) return this.readMessage(field.message);
    const start = this.#next();
    const raw = this.#takeToken();
    const value = this.#convert(field, raw, start);
    if (value !== undefined) return value;
    const kind = field.enum === undefined ? ScalarType[field.scalar ?? 0]!.toLowerCase() : "enum";
    throw this.#fault(start, `invalid value for ${this.#describe(kind, field)}: ${raw}`);
  }

  /** Returns undefined if the field cannot hold the value. */
  #convert(field: DescField, raw: string, start: number): unknown {
    const text = raw.startsWith('"') ? this.#parseString(raw, start) : undefined;
    if (field.enum !== undefined) {
      if (text !== undefined) return field.enum.values.find(({ name }) => name === text)?.number;
      return toInteger(raw, -(2n ** 31n), 2n ** 31n, Number);
    }
    switch (field.scalar) {
      case ScalarType.STRING:
        return text;
      case ScalarType.BOOL:
        return raw === "true" ? true : raw === "false" ? false : undefined;
      case ScalarType.UINT64:
        return toInteger(text ?? raw, 0n, 2n ** 64n, (value) => value);
      case ScalarType.UINT32:
        return toInteger(text ?? raw, 0n, 2n ** 32n, Number);
      default:
        return toInteger(text ?? raw, -(2n ** 31n), 2n ** 31n, Number);
    }
  }

  /** Returns the start of the next token. */
  #next(): number {
    this.#at = skipSpace(this.#json, this.#at);
    return this.#at;
  }

  #peek(): string {
    return this.#json[this.#next()] ?? "";
  }

  /** Returns the next token unparsed; for arrays and objects only the bracket. */
  #takeToken(): string {
    const start = this.#next();
    if (BRACKETS.includes(this.#json[start]!)) this.#at++;
    else {
      const found = findJsonEnd(this.#json, start);
      this.#at = "end" in found ? found.end : this.#json.length;
    }
    return this.#json.slice(start, this.#at);
  }

  /** Unlike encoding/json, which has checked the JSON before, protojson rejects unpaired surrogates. */
  #parseString(raw: string, start: number): string {
    const text: string = JSON.parse(raw);
    if (!/\p{Surrogate}/u.test(text)) return text;
    throw this.#fault(start, `invalid escape code ${raw} in string`, "syntax error ");
  }

  #unexpected(): ReadFault {
    const start = this.#next();
    return this.#fault(start, `unexpected token ${this.#takeToken()}`, "syntax error ");
  }

  #fault(at: number, message: string, kind = ""): ReadFault {
    const lines = this.#json.slice(0, at).split("\n");
    const column = Array.from(lines.at(-1) ?? "").length + 1;
    return new ReadFault(`proto: ${kind}(line ${lines.length}:${column}): ${message}`);
  }
}

const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * Parses JSON numbers with an integer value in any notation: `1`, `1.0`, `10e-1`. The range is `min` up to but
 * excluding `end`.
 */
function toInteger<T>(text: string, min: bigint, end: bigint, convert: (value: bigint) => T): T | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (sign === undefined || (sign === "-" && min === 0n)) return undefined;
  const digits = whole + fraction;
  let first = 0;
  let last = digits.length;
  while (digits[first] === "0") first++;
  if (first === last) return convert(0n);
  while (digits[last - 1] === "0") last--;
  const zeros = Number(exponent) - fraction.length + digits.length - last;
  // A 64-bit integer has at most 20 digits.
  if (zeros < 0 || last - first + zeros > 20) return undefined;
  const value = BigInt(sign + digits.slice(first, last)) * 10n ** BigInt(zeros);
  return value >= min && value < end ? convert(value) : undefined;
}
