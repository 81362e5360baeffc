const PLAIN = /^[ -~]*$/;

/**
 * Control characters (C0, DEL, C1), invisible format characters including bidi controls, line and paragraph separators.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** ESC as in Hubble 1.17.5 and later; the others as in Go's `%q`. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ["\x1b", "^["],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * Escapes characters that could move a terminal's cursor, change or reorder its text, or start a new line: `^[` for
 * ESC, `\n`, `\r`, `\t`, `\x07`, `\u202e`. Printable characters, including the backslash, are unchanged.
 */
export function escapeControls(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
