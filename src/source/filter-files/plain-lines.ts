import type { FlowEnvelope } from "../../filter/event.js";
import { readLine } from "../../message/json/line/read-line.js";
import type { LineFilter } from "../../observer/export/filter.js";

const LF = 0x0a;
const CR = 0x0d;
const OPEN_OBJECT = 0x7b;

/** The matching lines of a buffer. */
export interface PlainLines {
  /** Each with its line feed; owned by the caller. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly matched: number;
  /** All lines, including empty ones. */
  readonly lines: number;
}

/**
 * Filters whole lines, each of which is a plain event or empty. Returns undefined if a line is anything else: an
 * envelope, a part of a document, damaged, or longer than `maxLineBytes`.
 *
 * @param bytes Has room for a line feed at `end`, which is written if the last line has none.
 * @param end The end of the lines.
 */
export function filterPlainLines(
  bytes: Uint8Array,
  start: number,
  end: number,
  filter: LineFilter,
  maxLineBytes: number,
): PlainLines | undefined {
  const runs = new Runs();
  let matched = 0;
  let lines = 0;
  let at = start;
  for (; at < end; lines++) {
    const feed = bytes.indexOf(LF, at);
    const lineEnd = feed < 0 || feed > end ? end : feed;
    const isEmpty = lineEnd === at || (lineEnd === at + 1 && bytes[at] === CR);
    const matches = isEmpty ? false : plainLineMatches(bytes, at, lineEnd, filter, maxLineBytes);
    if (matches === undefined) return undefined;
    if (matches) {
      matched++;
      runs.add(at, lineEnd + 1);
    }
    at = lineEnd + 1;
  }
  if (at > end) bytes[end] = LF;
  return { bytes: runs.copy(bytes), matched, lines };
}

/** Ranges of a buffer, of which those that follow each other are one: an object for each line would cost much more. */
class Runs {
  /** The starts and ends. */
  readonly #ends: number[] = [];
  #length = 0;

  add(start: number, end: number): void {
    const ends = this.#ends;
    this.#length += end - start;
    if (ends.length > 0 && ends[ends.length - 1] === start) ends[ends.length - 1] = end;
    else ends.push(start, end);
  }

  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    // Of its own, so that it can be passed to another thread.
    const { buffer } = Buffer.allocUnsafeSlow(this.#length);
    const copy = new Uint8Array(buffer);
    let at = 0;
    for (let run = 0; run < this.#ends.length; run += 2) {
      const lines = bytes.subarray(this.#ends[run], this.#ends[run + 1]);
      copy.set(lines, at);
      at += lines.length;
    }
    return copy;
  }
}

function plainLineMatches(
  bytes: Uint8Array,
  start: number,
  end: number,
  { scan, passes }: LineFilter,
  maxLineBytes: number,
): boolean | undefined {
  if (bytes[start] !== OPEN_OBJECT || end - start > maxLineBytes) return undefined;
  const matches = scan?.(bytes, start, end);
  if (matches !== undefined) return matches;
  const event = readLine(bytes.subarray(start, end));
  // It reads only the two envelopes and flows.
  return typeof event === "string" ? undefined : passes(event as FlowEnvelope);
}
