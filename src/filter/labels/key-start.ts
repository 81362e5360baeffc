import { RESERVED_PREFIX, RESERVED_SOURCE } from "./label.js";

/** In place of a start: the key is empty or the value of a reserved label, so that only `parseLabel` can tell. */
export const ODD = -1;

/** Where the key of a label begins, as `parseLabel` has it, or {@link ODD}. */
export function keyStart(label: string): number {
  const start = afterSource(label);
  return start < label.length && label.charCodeAt(start) === EQUALS ? ODD : start;
}

/** Whether the source of a label is reserved, given where its key begins. */
export function isReserved(label: string, start: number): boolean {
  // Before the key stands "$", "reserved:" or "reserved.", the last only if there is no colon at all.
  if (start === 1) return label.charCodeAt(0) === DOLLAR;
  return start === RESERVED_PREFIX.length && label.startsWith(RESERVED_SOURCE);
}

const EQUALS = 0x3d;
const COLON = 0x3a;
const DOLLAR = 0x24;

/** Most sources are shorter; a colon after more characters than this is left to the runtime to find. */
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
