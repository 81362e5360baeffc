import type { CelType } from "./type.js";
import { parseType } from "./type-text.js";

/** An overload of a function. */
export interface Overload {
  readonly id: string;
  /** Whether it is called as `target.f(…)`, with the target as the first parameter. */
  readonly isMember: boolean;
  readonly parameters: readonly CelType[];
  readonly result: CelType;
  /** The names of its type parameters, single letters. */
  readonly typeParameters: readonly string[];
}

/** Functions by name, with their overloads in the order in which they are tried. */
export type Functions = ReadonlyMap<string, readonly Overload[]>;

/**
 * Parses declarations, one per line: `size(list(A)) int = size_list`. A leading dot declares a method, whose target is
 * the first parameter.
 */
export function declareFunctions(text: string): Functions {
  const functions = new Map<string, Overload[]>();
  for (const line of text.trim().split("\n")) {
    const { name, overload } = readDeclaration(line.trim());
    const others = functions.get(name);
    if (others === undefined) functions.set(name, [overload]);
    else others.push(overload);
  }
  return functions;
}

const DECLARATION = /^(\.?)(\S+?)\((.*)\) (\S+(?: \S+)*) = (\S+)$/;

function readDeclaration(line: string): { name: string; overload: Overload } {
  const [, dot, name, parameters, result, id] = DECLARATION.exec(line) ?? [];
  if (name === undefined) throw new TypeError(`not a declaration: ${line}`);
  // Parse all types as the parameters of a single type, so that nested commas need no special handling.
  const all = parseType(`f(${parameters === "" ? "" : `${parameters}, `}${result})`) as CelType & {
    kind: "opaque";
  };
  const typeParameters = [...new Set(line.match(/\b[A-Z]\b/g) ?? [])];
  return {
    name,
    overload: {
      id: id!,
      isMember: dot === ".",
      parameters: all.parameters.slice(0, -1),
      result: all.parameters.at(-1)!,
      typeParameters,
    },
  };
}

let parsed: Functions | undefined;

/** The functions of the standard library (cel-go v0.20.1 common/stdlib). Parsed once, when first needed. */
export function standardFunctions(): Functions {
  parsed ??= declareFunctions(STANDARD_DECLARATIONS);
  return parsed;
}

const STANDARD_DECLARATIONS = `
_?_:_(bool, A, A) A = conditional
_&&_(bool, bool) bool = logical_and
_||_(bool, bool) bool = logical_or
!_(bool) bool = logical_not
_==_(A, A) bool = equals
_!=_(A, A) bool = not_equals
@in(A, list(A)) bool = in_list
@in(A, map(A, B)) bool = in_map
_+_(bytes, bytes) bytes = add_bytes
_+_(double, double) double = add_double
_+_(duration, duration) duration = add_duration_duration
_+_(duration, timestamp) timestamp = add_duration_timestamp
_+_(timestamp, duration) timestamp = add_timestamp_duration
_+_(int, int) int = add_int64
_+_(list(A), list(A)) list(A) = add_list
_+_(string, string) string = add_string
_+_(uint, uint) uint = add_uint64
_/_(double, double) double = divide_double
_/_(int, int) int = divide_int64
_/_(uint, uint) uint = divide_uint64
_%_(int, int) int = modulo_int64
_%_(uint, uint) uint = modulo_uint64
_*_(double, double) double = multiply_double
_*_(int, int) int = multiply_int64
_*_(uint, uint) uint = multiply_uint64
-_(double) double = negate_double
-_(int) int = negate_int64
_-_(double, double) double = subtract_double
_-_(duration, duration) duration = subtract_duration_duration
_-_(int, int) int = subtract_int64
_-_(timestamp, duration) timestamp = subtract_timestamp_duration
_-_(timestamp, timestamp) duration = subtract_timestamp_timestamp
_-_(uint, uint) uint = subtract_uint64
${["<:less", "<=:less_equals", ">:greater", ">=:greater_equals"]
  .map((entry) => entry.split(":"))
  .flatMap(([sign, id]) =>
    ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"].map(
      (type) => `_${sign}_(${type}, ${type}) bool = ${id}_${type}`,
    ),
  )
  .join("\n")}
_[_](list(A), int) A = index_list
_[_](map(A, B), A) B = index_map
size(bytes) int = size_bytes
.size(bytes) int = bytes_size
size(list(A)) int = size_list
.size(list(A)) int = list_size
size(map(A, B)) int = size_map
.size(map(A, B)) int = map_size
size(string) int = size_string
.size(string) int = string_size
type(A) type(A) = type
bool(bool) bool = bool_to_bool
bool(string) bool = string_to_bool
bytes(bytes) bytes = bytes_to_bytes
bytes(string) bytes = string_to_bytes
double(double) double = double_to_double
double(int) double = int64_to_double
double(string) double = string_to_double
double(uint) double = uint64_to_double
duration(duration) duration = duration_to_duration
duration(int) duration = int64_to_duration
duration(string) duration = string_to_duration
dyn(A) dyn = to_dyn
int(int) int = int64_to_int64
int(double) int = double_to_int64
int(duration) int = duration_to_int64
int(string) int = string_to_int64
int(timestamp) int = timestamp_to_int64
int(uint) int = uint64_to_int64
string(string) string = string_to_string
string(bool) string = bool_to_string
string(bytes) string = bytes_to_string
string(double) string = double_to_string
string(duration) string = duration_to_string
string(int) string = int64_to_string
string(timestamp) string = timestamp_to_string
string(uint) string = uint64_to_string
timestamp(timestamp) timestamp = timestamp_to_timestamp
timestamp(int) timestamp = int64_to_timestamp
timestamp(string) timestamp = string_to_timestamp
uint(uint) uint = uint64_to_uint64
uint(double) uint = double_to_uint64
uint(int) uint = int64_to_uint64
uint(string) uint = string_to_uint64
.contains(string, string) bool = contains_string
.endsWith(string, string) bool = ends_with_string
matches(string, string) bool = matches
.matches(string, string) bool = matches_string
.startsWith(string, string) bool = starts_with_string
${["FullYear", "Month", "DayOfYear", "DayOfMonth", "Date", "DayOfWeek"]
  .map((part) => declareTimePart(part, false))
  .join("\n")}
${["Hours", "Minutes", "Seconds", "Milliseconds"].map((part) => declareTimePart(part, true)).join("\n")}
`;

function declareTimePart(part: string, ofDurations: boolean): string {
  const name = `get${part}`;
  return [
    `.${name}(timestamp) int = timestamp_${name}`,
    `.${name}(timestamp, string) int = timestamp_${name}_in_zone`,
    ...(ofDurations ? [`.${name}(duration) int = duration_${name}`] : []),
  ].join("\n");
}

/** Names of types, which can also be used as values. */
export const STANDARD_TYPES: ReadonlyMap<string, CelType> = new Map([
  ...["bool", "bytes", "double", "int", "string", "uint", "null_type", "type"].map(
    (name) => [name, parseType(name)] as const,
  ),
  ["list", parseType("list(A)")],
  ["map", parseType("map(A, B)")],
  ["google.protobuf.Timestamp", parseType("timestamp")],
  ["google.protobuf.Duration", parseType("duration")],
]);
