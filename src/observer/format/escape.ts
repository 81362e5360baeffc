const PLAIN = /^[ -~]*$/;

/** Control characters (C0, DEL, C1), invisible format characters (bidi controls among them), line and paragraph separators. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** ESC as Hubble 1.17.5 and later write it; the others as Go's `%q` does. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ["\x1b", "^["],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * Makes visible what could move a terminal's cursor, recolour or reorder its text, or start a new line: `^[` for ESC, `\n`,
 * `\r`, `\t`, `\x07`, `\u202e`. Everything that prints stays as it is, the backslash too.
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
