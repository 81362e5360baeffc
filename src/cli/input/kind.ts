import { constants, gunzipSync } from "node:zlib";
import { findSignature } from "../../bytes/signature.js";
import { PCAP_MAGIC_NS, PCAP_MAGIC_US, PCAP_RELATIVES } from "../../pcap/pcap-format.js";
import { SECTION_HEADER } from "../../pcap/pcapng-format.js";

/**
 * What an input holds: `export` are lines of text, also where some of them cannot be read, and files of other kinds that
 * `decodeExport` names in its error.
 */
export type InputKind = "capture" | "export" | "neither";

/** Bytes looked at, when there are so many. */
export const HEAD_BYTES = 1024;

/**
 * Tells by its first bytes what an input is, gzip or not: a capture has the magic number of one, export lines are text.
 * Undefined when more bytes are needed to tell; never when `isWhole` says that there are none, or for {@link HEAD_BYTES}.
 */
export function tellKind(head: Uint8Array, isWhole: boolean): InputKind | undefined {
  const isEnough = isWhole || head.length >= HEAD_BYTES;
  if (head.length < 4 && !isEnough) return undefined;
  if (head[0] !== GZIP_MAGIC[0] || head[1] !== GZIP_MAGIC[1]) {
    return tellPlain(head, isEnough);
  }
  const plain = decompressed(head);
  if (plain !== undefined && plain.length >= 4) return tellPlain(plain, isEnough);
  return isEnough ? "export" : undefined;
}

/** https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** What the first bytes of a gzip file begin; undefined when they are damaged, which reading them tells better. */
function decompressed(head: Uint8Array): Uint8Array | undefined {
  try {
    // Of so few bytes nothing large can come.
    return gunzipSync(head.subarray(0, HEAD_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return undefined;
  }
}

const CAPTURE_MAGICS: ReadonlySet<number> = new Set([
  SECTION_HEADER,
  PCAP_MAGIC_US,
  PCAP_MAGIC_NS,
  // No captures that can be read, but the decoder's words for them are better than ours.
  ...PCAP_RELATIVES.keys(),
]);

function tellPlain(head: Uint8Array, isEnough: boolean): InputKind | undefined {
  if (head.length >= 4) {
    const view = new DataView(head.buffer, head.byteOffset, 4);
    if (CAPTURE_MAGICS.has(view.getUint32(0, true)) || CAPTURE_MAGICS.has(view.getUint32(0, false))) {
      return "capture";
    }
  }
  if (findSignature(head) !== undefined) return "export";
  const text = skipNuls(head).subarray(0, HEAD_BYTES);
  // A hole, which may be long: what is behind it are lines, or nothing is.
  if (text.length === 0) return isEnough ? "export" : undefined;
  return isText(text) ? "export" : "neither";
}

/** What is behind the hole that a file begins with after it was truncated under its writer. */
function skipNuls(head: Uint8Array): Uint8Array {
  const start = head.findIndex((byte) => byte !== 0);
  return start === -1 ? head.subarray(head.length) : head.subarray(start);
}

/**
 * Damaged lines are for the reader to report, so that invalid UTF-8 does not matter, and nothing does where an object of
 * JSON begins. Other text has no control characters but white space and escape sequences.
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
