import type { HubbleRules } from "../../hubble/rules.js";

/** The characters to escape: those of a version of Hubble, or all that {@link escapeControls} escapes. */
export type EscapeMode = HubbleRules["escapes"] | "all";

export type Escape = (text: string) => string;

/** Exhaustive: another mode does not compile until it is handled. */
const ESCAPES: { readonly [K in EscapeMode]: (hasColors: boolean) => Escape } = {
  all: () => escapeControls,
  none: () => (text) => text,
  "esc-cr": (hasColors) => {
    const pattern = hasColors ? ESC_CR_EXCEPT_COLORS : ESC_CR;
    return (text) => (PLAIN.test(text) ? text : text.replace(pattern, escapeCharacter));
  },
};

/**
 * Creates the function that escapes external strings.
 *
 * @param hasColors Whether the output has colors. Hubble 1.19 then prints the sequences of its colors in strings, too.
 */
export function createEscape(mode: EscapeMode, hasColors: boolean): Escape {
  return ESCAPES[mode](hasColors);
}

const PLAIN = /^[ -~]*$/;

/**
 * Control characters (C0, DEL, C1), invisible format characters including bidi controls, line and paragraph separators.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are the subject.
const ESC_CR = /[\x1b\r]/g;

/** Except `ESC[31m` to `ESC[36m` and `ESC[0m`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are the subject.
const ESC_CR_EXCEPT_COLORS = /\x1b(?!\[(?:3[1-6]|0)m)|\r/g;

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
