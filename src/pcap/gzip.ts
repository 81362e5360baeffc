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
import { CaptureError } from "../errors/errors.js";
import { type ByteInput, CHUNK_BYTES } from "./input.js";

/** First byte of every gzip member: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const MEMBER_FIRST_BYTE = 0x1f;
/** zlib's `windowBits`: a 32 KiB window (15), and a gzip header (16). */
const GZIP_WINDOW_BITS = 15 + 16;

/**
 * Decompresses gzip and verifies its checksums; concatenated members form one stream, as for `gunzip`. Memory use is
 * one window and one chunk, regardless of the compression ratio. Does not close `compressed`.
 */
export function createGunzip(compressed: ByteInput): ByteInput {
  const stream = new ZStream();
  zlibInflateInit2(stream, GZIP_WINDOW_BITS);
  const chunk = new Uint8Array(CHUNK_BYTES);
  let consumed = 0;
  let memberEnded = false;
  let inputEnded = false;
  const turnDue = createTurnDue();

  async function fill(room: Uint8Array): Promise<number> {
    // True because every InputBuffer allocates its own, unshared memory.
    const output = room as Uint8Array<ArrayBuffer>;
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
        throw new CaptureError("truncated_capture", position(), "the gzip data ends too early");
      } else if (status !== Z_OK && status !== Z_BUF_ERROR) {
        throw new CaptureError("malformed_gzip", position(), `damaged gzip data: ${stream.msg || "unknown"}`);
      }
    }
    return stream.next_out;
  }

  async function refill(): Promise<void> {
    const length = await compressed.fill(chunk);
    inputEnded = length === 0;
    consumed += length;
    stream.input = chunk;
    stream.next_in = 0;
    stream.avail_in = length;
  }

  /** Starts the next member; false at the end. Like gunzip, ignores trailing bytes (padding) after the last member. */
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

  return { fill };
}
