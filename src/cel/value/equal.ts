import { equals as equalMessages, type Message } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import type { TypeRegistry } from "../check/environment.js";
import type { Frame } from "../run/frame.js";
import { spendOnContent } from "./content.js";
import { compareNumbers } from "./int64.js";
import { equalBytes } from "./text.js";
import { CelDuration, CelMap, CelTimestamp, CelTypeValue, CelUint, type CelValue } from "./value.js";

/** Placeholders for an absent message, which equal no other message, like a nil pointer in Go. */
const absent = new WeakSet<object>();

/** Marks a message as absent: its fields read as unset, but it equals no other message. */
export function markAbsent<M extends Message>(message: M): M {
  absent.add(message);
  return message;
}

/** Whether two values are equal. */
export type Equality = (a: CelValue, b: CelValue, frame: Frame) => boolean;

/**
 * Creates an equality that works across types: numbers are compared by value, lists and maps by their elements,
 * messages of the same type by their fields; values of different kinds are unequal (cel-spec, "Equality").
 */
export function createEquality(registry: TypeRegistry): Equality {
  const equal: Equality = (a, b, frame) => {
    switch (typeof a) {
      case "string":
        return equalStrings(a, b, frame);
      case "boolean":
        return a === b;
      case "bigint":
      case "number":
        return isNumber(b) && compareNumbers(a, b) === 0;
      default:
    }
    if (a === null && b === null) return true;
    if (a === null || b === null || typeof b === "string" || typeof b === "boolean") return false;
    if (a instanceof CelUint) return isNumber(b) && compareNumbers(a, b) === 0;
    if (typeof b !== "object") return false;
    if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b, frame);
    if (isUint8Array(a)) return isUint8Array(b) && equalAllBytes(a, b, frame);
    if (a instanceof CelMap) return b instanceof CelMap && equalMaps(a, b, frame);
    if (a instanceof CelTimestamp) {
      return b instanceof CelTimestamp && a.seconds === b.seconds && a.nanos === b.nanos;
    }
    if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos;
    if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.name === b.name;
    return "$typeName" in a && "$typeName" in b && equalMessage(a, b as Message, frame);
  };

  const equalLists = (a: readonly CelValue[], b: readonly CelValue[], frame: Frame) => {
    if (a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) {
      frame.spend(1);
      if (!equal(a[index]!, b[index]!, frame)) return false;
    }
    return true;
  };

  const equalMaps = (a: CelMap, b: CelMap, frame: Frame) => {
    if (a.size !== b.size) return false;
    for (const [key, value] of a) {
      frame.spend(1);
      if (typeof key === "string") frame.spendOn(key.length);
      const other = b.get(key);
      if (other === undefined || !equal(value, other, frame)) return false;
    }
    return true;
  };

  const equalMessage = (a: Message, b: Message, frame: Frame) => {
    // A list that contains NaN does not equal itself, but a message does, as in cel-go.
    if (a === b) return true;
    if (a.$typeName !== b.$typeName || absent.has(a) || absent.has(b)) return false;
    const desc = registry.getMessage(a.$typeName);
    frame.spend(MESSAGE_STEPS);
    spendOnContent(a, frame);
    return desc !== undefined && equalMessages(desc, a, b, { unpackAny: true, registry: registry as never });
  };

  return equal;
}

/** The approximate cost of comparing two empty messages. */
const MESSAGE_STEPS = 50;

/** Comparing strings up to this length costs no steps. */
const SHORT = 64;

/** Whether both are the same string, or identical if they are not strings. */
export function equalStrings(a: unknown, b: unknown, frame: Frame): boolean {
  if (typeof a === "string" && typeof b === "string" && a.length > SHORT && a.length === b.length) {
    frame.spendOn(a.length);
  }
  return a === b;
}

function equalAllBytes(a: Uint8Array, b: Uint8Array, frame: Frame): boolean {
  frame.spendOn(a.length);
  return equalBytes(a, b);
}

function isNumber(value: CelValue): value is bigint | number | CelUint {
  return typeof value === "bigint" || typeof value === "number" || value instanceof CelUint;
}
