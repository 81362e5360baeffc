/** What stands for the part of a text that is left out. */
const ELLIPSIS = "…";

/** A text of at most `limit` UTF-16 code units as it is, of a longer one the beginning and `…`. */
export function cutText(text: string, limit: number): string {
  return text.length <= limit ? text : text.slice(0, wholeEnd(text, limit)) + ELLIPSIS;
}

/** A text of at most `head + tail` UTF-16 code units as it is, of a longer one so much of both its ends around `…`. */
export function cutMiddle(text: string, head: number, tail: number): string {
  if (text.length <= head + tail) return text;
  return text.slice(0, wholeEnd(text, head)) + ELLIPSIS + text.slice(wholeStart(text, text.length - tail));
}

/** Where to end before `end`, or there, without parting a surrogate pair. */
function wholeEnd(text: string, end: number): number {
  return isParted(text, end) ? end - 1 : end;
}

/** Where to start after `start`, or there, likewise. */
function wholeStart(text: string, start: number): number {
  return isParted(text, start) ? start + 1 : start;
}

function isParted(text: string, at: number): boolean {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
