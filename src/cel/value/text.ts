import { Fault } from "./fault.js";
import type { Ordering } from "./int64.js";

/** The size of a string in CEL. An unpaired surrogate counts as one. */
export function codePointCount(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    if ((text.charCodeAt(index) & SURROGATE_MASK) !== HIGH_SURROGATE) continue;
    if ((text.charCodeAt(index + 1) & SURROGATE_MASK) !== LOW_SURROGATE) continue;
    count--;
    index++;
  }
  return count;
}

/** Unpaired surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Throws a {@link Fault} for invalid UTF-8. A byte order mark is treated like any other character. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    // The decoder only throws for invalid UTF-8.
    throw new Fault("invalid UTF-8 in bytes, cannot convert to string");
  }
}

/** Compares byte by byte; a prefix comes before the longer array. */
export function compareBytes(a: Uint8Array, b: Uint8Array): Ordering {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a[index] !== b[index]) return a[index]! < b[index]! ? -1 : 1;
  }
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const SURROGATE_MASK = 0xfc00;
const HIGH_SURROGATE = 0xd800;
const LOW_SURROGATE = 0xdc00;
