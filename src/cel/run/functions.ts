import { formatFloatG } from "../../go/strconv/format-float.js";
import {
  addDurations,
  durationHours,
  durationMilliseconds,
  durationMinutes,
  durationSeconds,
  formatDuration,
  parseDuration,
  subtractDurations,
} from "../value/duration.js";
import { Fault } from "../value/fault.js";
import {
  addInt,
  addUint,
  divideInt,
  divideUint,
  doubleToInt,
  doubleToUint,
  intToUint,
  moduloInt,
  moduloUint,
  multiplyInt,
  multiplyUint,
  negateInt,
  subtractInt,
  subtractUint,
  uintToInt,
} from "../value/int64.js";
import { parseBool, parseDouble, parseInt64, parseUint64 } from "../value/number-text.js";
import { codePointCount, decodeUtf8, encodeUtf8 } from "../value/text.js";
import {
  addDuration,
  formatTimestamp,
  getDate,
  getDayOfMonth,
  getDayOfWeek,
  getDayOfYear,
  getFullYear,
  getHours,
  getMilliseconds,
  getMinutes,
  getMonth,
  getSeconds,
  parseTimestamp,
  subtractDuration,
  subtractTimestamps,
  timestampFromSeconds,
  wholeSeconds,
} from "../value/timestamp.js";
import {
  type CelDuration,
  type CelMap,
  type CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  typeNameOf,
} from "../value/value.js";
import type { Frame } from "./frame.js";

/** The implementation of an overload; called with values of its parameter types. */
export type Implementation = (a: never, b: never, frame: Frame) => CelValue;

/** Copying an element costs as much as this number of characters. */
const ELEMENT_UNITS = 4;
/** The number of steps for computing a time zone's offset. */
const ZONE_STEPS = 20;

const uint = (value: bigint) => new CelUint(value);

type Uint = CelUint;

/** The implementations of the standard functions by overload ID, without those that the compiler handles itself. */
export const IMPLEMENTATIONS: Readonly<Record<string, Implementation>> = {
  add_bytes: (a: Uint8Array, b: Uint8Array, frame) => {
    frame.spendOn(a.length + b.length);
    const sum = new Uint8Array(a.length + b.length);
    sum.set(a);
    sum.set(b, a.length);
    return sum;
  },
  add_double: (a: number, b: number) => a + b,
  add_duration_duration: addDurations,
  add_duration_timestamp: (a: CelDuration, b: CelTimestamp) => addDuration(b, a),
  add_timestamp_duration: addDuration,
  add_int64: addInt,
  add_list: (a: readonly CelValue[], b: readonly CelValue[], frame) => {
    frame.spendOn((a.length + b.length) * ELEMENT_UNITS);
    return [...a, ...b];
  },
  add_string: (a: string, b: string, frame) => {
    frame.spendOn(a.length + b.length);
    return a + b;
  },
  add_uint64: (a: Uint, b: Uint) => uint(addUint(a.value, b.value)),
  divide_double: (a: number, b: number) => a / b,
  divide_int64: divideInt,
  divide_uint64: (a: Uint, b: Uint) => uint(divideUint(a.value, b.value)),
  modulo_int64: moduloInt,
  modulo_uint64: (a: Uint, b: Uint) => uint(moduloUint(a.value, b.value)),
  multiply_double: (a: number, b: number) => a * b,
  multiply_int64: multiplyInt,
  multiply_uint64: (a: Uint, b: Uint) => uint(multiplyUint(a.value, b.value)),
  negate_double: (a: number) => -a,
  negate_int64: negateInt,
  subtract_double: (a: number, b: number) => a - b,
  subtract_duration_duration: subtractDurations,
  subtract_int64: subtractInt,
  subtract_timestamp_duration: subtractDuration,
  subtract_timestamp_timestamp: subtractTimestamps,
  subtract_uint64: (a: Uint, b: Uint) => uint(subtractUint(a.value, b.value)),

  size_bytes: (a: Uint8Array) => BigInt(a.length),
  bytes_size: (a: Uint8Array) => BigInt(a.length),
  size_list: (a: readonly CelValue[]) => BigInt(a.length),
  list_size: (a: readonly CelValue[]) => BigInt(a.length),
  size_map: (a: CelMap) => BigInt(a.size),
  map_size: (a: CelMap) => BigInt(a.size),
  size_string: sizeOfString,
  string_size: sizeOfString,
  contains_string: (a: string, b: string, frame) => {
    spendOnSearch(a, b, frame);
    return a.includes(b);
  },
  ends_with_string: (a: string, b: string, frame) => {
    frame.spendOn(b.length);
    return a.endsWith(b);
  },
  starts_with_string: (a: string, b: string, frame) => {
    frame.spendOn(b.length);
    return a.startsWith(b);
  },

  type: (a: CelValue) => new CelTypeValue(typeNameOf(a)),
  bool_to_bool: itself,
  string_to_bool: parsing(parseBool),
  bytes_to_bytes: itself,
  string_to_bytes: (a: string, _, frame) => {
    frame.spendOn(a.length);
    return encodeUtf8(a);
  },
  double_to_double: itself,
  int64_to_double: (a: bigint) => Number(a),
  string_to_double: parsing(parseDouble),
  uint64_to_double: (a: Uint) => Number(a.value),
  duration_to_duration: itself,
  int64_to_duration: () => {
    throw new Fault("type conversion error from 'int' to 'google.protobuf.Duration'");
  },
  string_to_duration: parsing(parseDuration),
  to_dyn: itself,
  int64_to_int64: itself,
  double_to_int64: doubleToInt,
  duration_to_int64: (a: CelDuration) => a.nanos,
  string_to_int64: parsing(parseInt64),
  timestamp_to_int64: wholeSeconds,
  uint64_to_int64: (a: Uint) => uintToInt(a.value),
  string_to_string: itself,
  bool_to_string: String,
  bytes_to_string: (a: Uint8Array, _, frame) => {
    frame.spendOn(a.length);
    return decodeUtf8(a);
  },
  double_to_string: formatFloatG,
  duration_to_string: formatDuration,
  int64_to_string: (a: bigint) => a.toString(),
  timestamp_to_string: formatTimestamp,
  uint64_to_string: (a: Uint) => a.value.toString(),
  timestamp_to_timestamp: itself,
  int64_to_timestamp: timestampFromSeconds,
  string_to_timestamp: parsing(parseTimestamp),
  uint64_to_uint64: itself,
  double_to_uint64: (a: number) => uint(doubleToUint(a)),
  int64_to_uint64: (a: bigint) => uint(intToUint(a)),
  string_to_uint64: parsing((text) => uint(parseUint64(text))),

  ...timePart("FullYear", getFullYear),
  ...timePart("Month", getMonth),
  ...timePart("DayOfYear", getDayOfYear),
  ...timePart("DayOfMonth", getDayOfMonth),
  ...timePart("Date", getDate),
  ...timePart("DayOfWeek", getDayOfWeek),
  ...timePart("Hours", getHours),
  ...timePart("Minutes", getMinutes),
  ...timePart("Seconds", getSeconds),
  ...timePart("Milliseconds", getMilliseconds),
  duration_getHours: (a: CelDuration) => BigInt(durationHours(a)),
  duration_getMinutes: (a: CelDuration) => BigInt(durationMinutes(a)),
  duration_getSeconds: (a: CelDuration) => BigInt(durationSeconds(a)),
  duration_getMilliseconds: (a: CelDuration) => BigInt(durationMilliseconds(a)),
};

function itself(value: CelValue): CelValue {
  return value;
}

function parsing(parse: (text: string) => CelValue): Implementation {
  return (text: string, _: undefined, frame: Frame) => {
    frame.spendOn(text.length);
    return parse(text);
  };
}

/** A search may compare the whole substring at every position of the string. */
function spendOnSearch(text: string, part: string, frame: Frame): void {
  const places = Math.max(text.length - part.length + 1, 0);
  frame.spendOn(text.length + (places * part.length) / PARTS_PER_UNIT);
}

/** The number of compared characters that cost as much as one copied character. */
const PARTS_PER_UNIT = 32;

function sizeOfString(text: string, _: undefined, frame: Frame): bigint {
  frame.spendOn(text.length);
  return BigInt(codePointCount(text));
}

function timePart(
  name: string,
  get: (timestamp: CelTimestamp, zone?: string) => number,
): Record<string, Implementation> {
  return {
    [`timestamp_get${name}`]: (timestamp: CelTimestamp) => BigInt(get(timestamp)),
    [`timestamp_get${name}_in_zone`]: (timestamp: CelTimestamp, zone: string, frame) => {
      frame.spend(ZONE_STEPS);
      frame.spendOn(zone.length);
      return BigInt(get(timestamp, zone));
    },
  };
}
