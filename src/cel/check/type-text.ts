import {
  ANY,
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  messageType,
  NULL,
  STRING,
  TIMESTAMP,
  TYPE,
  typeOf,
  UINT,
  wrapperOf,
} from "./type.js";

const NAMES: Readonly<Record<string, CelType>> = {
  any: ANY,
  bool: BOOL,
  bytes: BYTES,
  double: DOUBLE,
  duration: DURATION,
  dyn: DYN,
  int: INT,
  null_type: NULL,
  string: STRING,
  timestamp: TIMESTAMP,
  type: TYPE,
  uint: UINT,
};

const TOKENS = /[A-Za-z_][\w.]*|\S/g;

/**
 * Parses a type: `int`, `list(string)`, `map(string, dyn)`, `wrapper(bool)`, `type(int)`, the full name of a message,
 * or a single capital letter for a type parameter.
 *
 * @throws TypeError if the string is not a type.
 */
export function parseType(text: string): CelType {
  const tokens = text.match(TOKENS) ?? [];
  let next = 0;
  const expect = (token: string) => {
    if (tokens[next++] !== token) throw new TypeError(`not a type of CEL: ${text}`);
  };
  const readType = (): CelType => {
    const name = tokens[next++] ?? "";
    if (!/^[A-Za-z_]/.test(name)) throw new TypeError(`not a type of CEL: ${text}`);
    const parts: CelType[] = [];
    if (tokens[next] === "(") {
      do {
        next++;
        parts.push(readType());
      } while (tokens[next] === ",");
      expect(")");
    }
    return typeNamed(name, parts);
  };
  const type = readType();
  if (next < tokens.length) throw new TypeError(`not a type of CEL: ${text}`);
  return type;
}

function typeNamed(name: string, parts: readonly CelType[]): CelType {
  const [first, second] = parts;
  if (name === "list" && parts.length === 1) return listOf(first!);
  if (name === "map" && parts.length === 2) return mapOf(first!, second!);
  if (name === "wrapper" && parts.length === 1) return wrapperOf(first!);
  if (name === "type" && parts.length === 1) return typeOf(first!);
  if (parts.length > 0) return { kind: "opaque", name, parameters: parts };
  if (/^[A-Z]$/.test(name)) return { kind: "param", name };
  return Object.hasOwn(NAMES, name) ? NAMES[name]! : messageType(name);
}
