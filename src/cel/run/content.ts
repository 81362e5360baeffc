import { isUint8Array } from "../../bytes/is-uint8-array.js";
import type { Frame } from "./frame.js";

/**
 * Pays for going through all of what a message, or the property of a field, holds: before it is compared, converted, or
 * packed into another message.
 */
export function spendOnContent(content: unknown, frame: Frame): void {
  if (typeof content === "string" || isUint8Array(content)) {
    frame.spendOn(content.length);
  } else if (typeof content === "object" && content !== null) {
    const isList = Array.isArray(content);
    const parts: readonly unknown[] = isList ? content : Object.values(content);
    frame.spend(isList ? parts.length : parts.length * NAMED_STEPS);
    for (const part of parts) spendOnContent(part, frame);
  }
}

/** About what it takes to find a property, or to enter it in a map. */
const NAMED_STEPS = 8;
