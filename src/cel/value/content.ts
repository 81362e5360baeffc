import { isUint8Array } from "../../bytes/is-uint8-array.js";
import type { Frame } from "../run/frame.js";

/**
 * Spends steps for traversing the whole content of a message or a field's property, before it is compared, converted,
 * or packed into another message.
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

/** The approximate cost of reading a property or adding an entry to a map. */
const NAMED_STEPS = 8;
