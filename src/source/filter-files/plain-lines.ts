import type { FlowEnvelope } from "../../filter/event.js";
import { readLine } from "../../message/json/line/read-line.js";
import type { LineFilter } from "../../observer/export/filter.js";
import { joinLines } from "../../observer/export/join-lines.js";

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
 * @param end The end of the lines; the last one may have no line feed.
 */
export function filterPlainLines(
  bytes: Uint8Array,
  start: number,
  end: number,
  filter: LineFilter,
  maxLineBytes: number,
): PlainLines | undefined {
  const kept: Uint8Array[] = [];
  let lines = 0;
  for (let at = start; at < end; lines++) {
    const feed = bytes.indexOf(LF, at);
    const lineEnd = feed < 0 || feed > end ? end : feed;
    const isEmpty = lineEnd === at || (lineEnd === at + 1 && bytes[at] === CR);
    const matches = isEmpty ? false : plainLineMatches(bytes, at, lineEnd, filter, maxLineBytes);
    if (matches === undefined) return undefined;
    if (matches) kept.push(bytes.subarray(at, lineEnd));
    at = lineEnd + 1;
  }
  return { bytes: joinLines(kept), matched: kept.length, lines };
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
