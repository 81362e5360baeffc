import { equals as equalMessages, type Message } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import type { TypeRegistry } from "../check/environment.js";
import { spendOnContent } from "./content.js";
import type { Frame } from "./frame.js";
import { compareNumbers } from "./int64.js";
import { equalBytes } from "./text.js";
import { CelDuration, CelMap, CelTimestamp, CelTypeValue, CelUint, type CelValue } from "./value.js";

/** Messages that stand for there being none: they equal nothing else, as a nil pointer does in Go. */
const absent = new WeakSet<object>();

/** Makes a message stand for there being none: its fields read as unset, but it equals no other message. */
export function markAbsent<M extends Message>(message: M): M {
  absent.add(message);
  return message;
}

/** Tells whether values are equal. */
export type Equality = (a: CelValue, b: CelValue, frame: Frame) => boolean;

/**
 * Equality across types: numbers by what they amount to, lists and maps by their elements, messages of one type by their
 * fields; whatever differs in kind is unequal (cel-spec, "Equality").
 */
export function createEquality(registry: TypeRegistry): Equality {
  const equal: Equality = (a, b, frame) => {
    switch (typeof a) {
      case "string":
        return equalTexts(a, b, frame);
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
    // Lists are not equal to themselves when there is a NaN in them, but messages are, as in cel-go.
    if (a === b) return true;
    if (a.$typeName !== b.$typeName || absent.has(a) || absent.has(b)) return false;
    const desc = registry.getMessage(a.$typeName);
    frame.spend(MESSAGE_STEPS);
    spendOnContent(a, frame);
    return desc !== undefined && equalMessages(desc, a, b, { unpackAny: true, registry: registry as never });
  };

  return equal;
}

/** About what it takes to compare two messages that have nothing set. */
const MESSAGE_STEPS = 50;

/** Texts no longer than this are compared at once. */
const SHORT = 64;

/** Whether both are the same text, or the same of what is no text. */
export function equalTexts(a: unknown, b: unknown, frame: Frame): boolean {
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
