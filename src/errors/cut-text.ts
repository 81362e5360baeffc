/** Replaces the omitted part of a string. */
const ELLIPSIS = "…";

/** Truncates a string above `limit` UTF-16 code units and appends `…`. */
export function cutText(text: string, limit: number): string {
  return text.length <= limit ? text : text.slice(0, wholeEnd(text, limit)) + ELLIPSIS;
}

/**
 * Shortens a string above `head + tail` UTF-16 code units to its first `head` and last `tail`, with `…` between them.
 */
export function cutMiddle(text: string, head: number, tail: number): string {
  if (text.length <= head + tail) return text;
  return text.slice(0, wholeEnd(text, head)) + ELLIPSIS + text.slice(wholeStart(text, text.length - tail));
}

/** The largest offset up to `end` that does not split a surrogate pair. */
function wholeEnd(text: string, end: number): number {
  return isParted(text, end) ? end - 1 : end;
}

/** The smallest offset from `start` on that does not split a surrogate pair. */
function wholeStart(text: string, start: number): number {
  return isParted(text, start) ? start + 1 : start;
}

function isParted(text: string, at: number): boolean {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
