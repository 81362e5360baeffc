import { findSignature, SIGNATURE_BYTES } from "../../bytes/signature.js";

/**
 * The contents of an input. `export`: lines of text, even if some are invalid, and files of other kinds that
 * `decodeExport` identifies in its error.
 */
export type InputKind = "capture" | "export" | "neither";

/** Number of bytes that suffice to detect the kind. */
export const HEAD_BYTES = 1024;

/**
 * Detects the kind of an input from its first bytes, after decompression: a capture starts with a magic number, export
 * lines are text. Returns undefined if more bytes are needed; never if `isWhole` is true or {@link HEAD_BYTES} are given.
 */
export function detectKind(head: Uint8Array, isWhole: boolean): InputKind | undefined {
  const isEnough = isWhole || head.length >= HEAD_BYTES;
  if (head.length < SIGNATURE_BYTES && !isEnough) return undefined;
  const signature = findSignature(head);
  // The capture decoder also reports unsupported captures best.
  if (signature !== undefined) return signature.capture === undefined ? "export" : "capture";
  const text = skipNuls(head).subarray(0, HEAD_BYTES);
  // A possibly long hole. Either lines follow, or nothing does.
  if (text.length === 0) return isEnough ? "export" : undefined;
  return isText(text) ? "export" : "neither";
}

/** Skips the NUL bytes at the start of a file that was truncated while another program was writing to it. */
function skipNuls(head: Uint8Array): Uint8Array {
  const start = head.findIndex((byte) => byte !== 0);
  return start === -1 ? head.subarray(head.length) : head.subarray(start);
}

/**
 * Whether the bytes are text. The reader reports damaged lines, so invalid UTF-8 is accepted, and anything is if a JSON
 * object starts somewhere. Other text may contain no control characters except white space and escape sequences.
 */
function isText(head: Uint8Array): boolean {
  for (let at = 0; at < head.length; at++) {
    if (head[at] === OPEN_OBJECT && head[at + 1] === QUOTE) return true;
  }
  return head.every((byte) => byte >= 0x20 || TEXT_CONTROLS.has(byte));
}

const OPEN_OBJECT = 0x7b;
const QUOTE = 0x22;
/** Tab, line feed, carriage return, escape. */
const TEXT_CONTROLS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x1b]);
