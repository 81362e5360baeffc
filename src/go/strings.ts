/**
 * Upper-case letters that were added in Unicode 16 and 17 and that Hubble's Go (1.22, Unicode 15.0) therefore does not
 * know.
 */
const CAPITALS_SINCE =
  /^[\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}]$/u;

/** Go's `strings.TrimSpace`. Unlike `trim`, it removes U+0085 and keeps U+FEFF. */
export function goTrimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Go's `strings.ToLower`: maps each character to exactly one, without context. Unlike `toLowerCase`, it maps `İ` to a
 * plain `i`, and `Σ` at the end of a word to `σ`.
 */
export function goToLower(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let lower = "";
  for (const character of text) lower += lowerCharacter(character);
  return lower;
}

/**
 * Go's `strings.EqualFold` with one side known in advance: compares character by character, ignoring case. `ſ` equals
 * `s`, but `ß` does not equal `ss`. Allocates nothing for ASCII strings.
 */
export function compileEqualFold(wanted: string): (text: string) => boolean {
  const folded = goFold(wanted);
  return (text) => {
    if (text.length !== folded.length) return false;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code === folded.charCodeAt(index)) continue;
      if (code >= 0x80) return goFold(text) === folded;
      if (code < 0x41 || code > 0x5a || code + 0x20 !== folded.charCodeAt(index)) return false;
    }
    return true;
  };
}

/**
 * Returns the same string for all strings that {@link compileEqualFold} considers equal, for lookups in a set or map.
 */
export function goFold(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let folded = "";
  for (const character of text) folded += foldCharacter(character);
  return folded;
}

function lowerCharacter(character: string): string {
  if (character === "İ") return "i";
  return CAPITALS_SINCE.test(character) ? character : character.toLowerCase();
}

/**
 * Simple case folding (https://www.unicode.org/reports/tr44/#CaseFolding.txt, status C and S), based on JavaScript's
 * full case mappings: all letters that fold together share one upper-case letter, unless that has more than one
 * character; then they share the lower-case letter. `ı` is an exception: its upper case is `I`, but it folds with
 * nothing. Three pairs fold since Unicode 15.1, but neither in Go nor here: U+0390 with U+1FD3, U+03B0 with U+1FE3,
 * U+FB05 with U+FB06.
 */
function foldCharacter(character: string): string {
  if (character === "ı" || CAPITALS_SINCE.test(character)) return character;
  const upper = character.toUpperCase();
  const single = upper.length === character.length ? upper : character;
  const lower = single.toLowerCase();
  return lower.length === character.length ? lower : single;
}

/** Unicode's White_Space. */
function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= 0x80) return false;
  return true;
}
