/** The number of strings that are kept, a power of two. */
const ENTRIES = 4096;
const ENTRY_MASK = ENTRIES - 1;
/** Longer strings, which rarely repeat, are not kept. */
const MAX_KEPT_LENGTH = 96;
/** Up to this length, appending characters is faster than a TextDecoder. */
const SHORT_LENGTH = 24;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Recent strings by a hash of their bytes: labels, names and addresses repeat from flow to flow. */
const kept: string[] = new Array<string>(ENTRIES).fill("");

/** Decodes bytes that are all ASCII. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > MAX_KEPT_LENGTH) return decoder.decode(bytes.subarray(start, end));
  let hash = length;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  const entry = (hash ^ (hash >>> 13)) & ENTRY_MASK;
  const known = kept[entry]!;
  if (known.length === length && isEqual(known, bytes, start)) return known;
  const text =
    length <= SHORT_LENGTH ? append(bytes, start, end) : decoder.decode(bytes.subarray(start, end));
  kept[entry] = text;
  return text;
}

function isEqual(text: string, bytes: Uint8Array, start: number): boolean {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

function append(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
