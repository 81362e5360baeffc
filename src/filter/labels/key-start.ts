import { RESERVED_PREFIX, RESERVED_SOURCE } from "./label.js";

/**
 * Returned instead of a start if the key is empty or may be the value of a reserved label. Such labels need
 * `parseLabel`.
 */
export const ODD = -1;

/** The index at which the key of a label begins, consistent with `parseLabel`, or {@link ODD}. */
export function keyStart(label: string): number {
  const start = afterSource(label);
  return start < label.length && label.charCodeAt(start) === EQUALS ? ODD : start;
}

/** Whether the source of a label is `reserved`, given the start of its key. */
export function isReserved(label: string, start: number): boolean {
  // The key follows "$", "reserved:" or, only if the label has no colon, "reserved.".
  if (start === 1) return label.charCodeAt(0) === DOLLAR;
  return start === RESERVED_PREFIX.length && label.startsWith(RESERVED_SOURCE);
}

const EQUALS = 0x3d;
const COLON = 0x3a;
const DOLLAR = 0x24;

/** Most sources are shorter than this. For longer ones, `indexOf` finds the colon. */
const USUAL_SOURCE_LENGTH = 12;

function afterSource(label: string): number {
  const limit = Math.min(label.length, USUAL_SOURCE_LENGTH);
  if (limit > 0 && label.charCodeAt(0) === DOLLAR) return 1;
  for (let index = 0; index < limit; index++) {
    if (label.charCodeAt(index) === COLON) return index + 1;
  }
  const colon = label.length > limit ? label.indexOf(":", limit) : -1;
  if (colon >= 0) return colon + 1;
  return label.startsWith(RESERVED_PREFIX) ? RESERVED_PREFIX.length : 0;
}
