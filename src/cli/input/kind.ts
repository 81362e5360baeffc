import { constants, gunzipSync } from "node:zlib";
import { PCAP_MAGIC_NS, PCAP_MAGIC_US, PCAP_RELATIVES } from "../../pcap/pcap-format.js";
import { SECTION_HEADER } from "../../pcap/pcapng-format.js";

/** What an input holds: `export` are lines of JSON, also where some of them cannot be read. */
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
  if (head[0] !== GZIP_MAGIC[0] || head[1] !== GZIP_MAGIC[1]) return tellPlain(head);
  const plain = decompressed(head);
  if (plain !== undefined && plain.length >= 4) return tellPlain(plain);
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

function tellPlain(head: Uint8Array): InputKind {
  if (head.length >= 4) {
    const view = new DataView(head.buffer, head.byteOffset, 4);
    if (CAPTURE_MAGICS.has(view.getUint32(0, true)) || CAPTURE_MAGICS.has(view.getUint32(0, false))) {
      return "capture";
    }
  }
  return isText(head.subarray(0, HEAD_BYTES)) ? "export" : "neither";
}

function isText(head: Uint8Array): boolean {
  if (head.includes(0)) return false;
  try {
    // A character may be cut at the end.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
