import { compareText } from "../../go/compare.js";
import type { Frame } from "../run/frame.js";
import { compareDurations } from "./duration.js";
import { NO_OVERLOAD } from "./fault.js";
import { compareNumbers, type Ordering } from "./int64.js";
import { compareBytes } from "./text.js";
import { compareTimestamps } from "./timestamp.js";
import { type CelDuration, type CelTimestamp, CelUint, type CelValue, kindOf } from "./value.js";

/**
 * Compares two values of the same type, or two numbers of any type; undefined if one is NaN.
 *
 * @throws Fault for values without an order.
 */
export function compareValues(a: CelValue, b: CelValue, frame: Frame): Ordering | undefined {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  const kind = kindOf(a);
  if (kind !== kindOf(b)) throw NO_OVERLOAD;
  switch (kind) {
    case "bool":
      return a === b ? 0 : a === false ? -1 : 1;
    case "string":
      return orderStrings(a as string, b as string, frame);
    case "bytes":
      frame.spendOn((a as Uint8Array).length);
      return compareBytes(a as Uint8Array, b as Uint8Array);
    case "timestamp":
      return compareTimestamps(a as CelTimestamp, b as CelTimestamp);
    case "duration":
      return compareDurations(a as CelDuration, b as CelDuration);
    default:
      throw NO_OVERLOAD;
  }
}

/** Compares strings by code points. */
export function orderStrings(a: string, b: string, frame: Frame): Ordering {
  frame.spendOn(Math.min(a.length, b.length));
  return Math.sign(compareText(a, b)) as Ordering;
}

function isNumber(value: CelValue): value is bigint | number | CelUint {
  return typeof value === "bigint" || typeof value === "number" || value instanceof CelUint;
}
