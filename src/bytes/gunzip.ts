import {
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
} from "pako";
import { createTurnDue } from "../async/event-loop-turns.js";
import { type ByteInput, CHUNK_BYTES } from "./byte-input.js";
import type { GzipFault } from "./decompress.js";

/** First byte of every gzip member: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const MEMBER_FIRST_BYTE = 0x1f;
/** zlib's `windowBits`: a 32 KiB window (15), and a gzip header (16). */
const GZIP_WINDOW_BITS = 15 + 16;

/**
 * Decompresses gzip and verifies its checksums; concatenated members form one stream, and trailing bytes that do not
 * start a member are ignored, as for `gunzip`. Memory use is one window and one chunk, regardless of the compression
 * ratio. Data before a fault is returned before the error is thrown.
 *
 * @param errorOf Creates the error for a fault.
 */
export function createGunzip(compressed: ByteInput, errorOf: (fault: GzipFault) => Error): ByteInput {
  const stream = new ZStream();
  zlibInflateInit2(stream, GZIP_WINDOW_BITS);
  const chunk = new Uint8Array(CHUNK_BYTES);
  let consumed = 0;
  let memberEnded = false;
  let inputEnded = false;
  const turnDue = createTurnDue();

  async function readInto(buffer: Uint8Array): Promise<number> {
    // True because all readers allocate their own, unshared memory.
    const output = buffer as Uint8Array<ArrayBuffer>;
    stream.output = output;
    stream.next_out = 0;
    stream.avail_out = output.length;
    while (stream.next_out === 0) {
      // Members may be empty: a million of them may produce no output.
      const turn = turnDue();
      if (turn !== undefined) await turn;
      if (stream.avail_in === 0 && !inputEnded) await refill();
      if (memberEnded && !nextMember()) return 0;
      const status = zlibInflate(stream, Z_NO_FLUSH);
      if (status === Z_STREAM_END) memberEnded = true;
      // Return the output before the damage first; the next call reports the error again.
      else if (stream.next_out > 0) break;
      else if (status === Z_BUF_ERROR && inputEnded) {
        throw errorOf({ kind: "truncated", message: "the gzip data ends too early", offset: position() });
      } else if (status !== Z_OK && status !== Z_BUF_ERROR) {
        const message = `damaged gzip data: ${stream.msg || "unknown"}`;
        throw errorOf({ kind: "damaged", message, offset: position() });
      }
    }
    return stream.next_out;
  }

  async function refill(): Promise<void> {
    const length = await compressed.readInto(chunk);
    inputEnded = length === 0;
    consumed += length;
    stream.input = chunk;
    stream.next_in = 0;
    stream.avail_in = length;
  }

  /** Starts the next member; false at the end of the data. */
  function nextMember(): boolean {
    if (stream.avail_in === 0) return !inputEnded;
    if (chunk[stream.next_in] !== MEMBER_FIRST_BYTE) return false;
    zlibInflateReset(stream);
    memberEnded = false;
    return true;
  }

  function position(): number {
    return consumed - stream.avail_in;
  }

  return { readInto, close: () => compressed.close?.() };
}
