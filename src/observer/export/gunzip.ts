import { createTurnDue } from "../../async/event-loop-turns.js";
import { ExportError } from "./error.js";

/** The first byte of every member: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
const MEMBER_FIRST_BYTE = 0x1f;
/** zlib's `windowBits`: a 32 KiB window (15), plus 16 to expect a gzip header. */
const GZIP_WINDOW_BITS = 15 + 16;
/** The maximum output of one decompression step, regardless of the compression ratio. */
const OUTPUT_BYTES = 64 * 1024;

/**
 * Decompresses gzip. Several members are concatenated; trailing bytes that do not start a member are ignored, as by
 * gunzip. Data before a fault is yielded before the error is thrown. A yielded chunk is only valid until the next pull
 * because its memory is reused. pako is loaded on first use, so reading plain files does not load it.
 *
 * @throws ExportError `malformed_gzip`
 */
export async function* gunzip(
  head: Uint8Array,
  tail: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pako = await import("pako");
  const stream = new pako.ZStream();
  pako.zlibInflateInit2(stream, GZIP_WINDOW_BITS);
  const output = new Uint8Array(OUTPUT_BYTES);
  let memberEnded = false;
  const turnDue = createTurnDue();

  /** Decompresses one chunk. Returns false if the bytes after a member do not start another one. */
  async function* inflate(compressed: Uint8Array): AsyncGenerator<Uint8Array, boolean, undefined> {
    stream.input = compressed;
    stream.next_in = 0;
    stream.avail_in = compressed.length;
    let filled = false;
    while (stream.avail_in > 0 || filled) {
      // Yield to the event loop here: empty members produce no output, however many there are.
      const turn = turnDue();
      if (turn !== undefined) await turn;
      if (memberEnded) {
        if (stream.avail_in === 0) return true;
        if (compressed[stream.next_in] !== MEMBER_FIRST_BYTE) return false;
        pako.zlibInflateReset(stream);
        memberEnded = false;
      }
      stream.output = output;
      stream.next_out = 0;
      stream.avail_out = OUTPUT_BYTES;
      const status = pako.zlibInflate(stream, pako.Z_NO_FLUSH);
      if (stream.next_out > 0) yield output.subarray(0, stream.next_out);
      memberEnded = status === pako.Z_STREAM_END;
      filled = stream.avail_out === 0 && !memberEnded;
      if (status !== pako.Z_OK && status !== pako.Z_STREAM_END && status !== pako.Z_BUF_ERROR) {
        throw new ExportError("malformed_gzip", `damaged gzip data: ${stream.msg || "unknown"}`);
      }
    }
    return true;
  }

  if (!(yield* inflate(head))) return;
  for await (const chunk of tail) if (!(yield* inflate(chunk))) return;
  if (!memberEnded) throw new ExportError("malformed_gzip", "the gzip data ends too early");
}
