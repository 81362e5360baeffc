/** Anything but printable ASCII without `"`, `\`, `<`, `>` and `&`. */
const UNUSUAL = /[^ !#-%'-;=?-[\]-~]/;
/** With the flag for Unicode only halves without their other half are surrogates. */
const LONE_SURROGATES = /\p{Surrogate}/gu;
const HTML = /[<>&\u2028\u2029]/g;

/**
 * A text in quotes as Go's protojson writes it and encoding/json then escapes it for HTML: `<`, `>`, `&`, U+2028 and
 * U+2029 as `\u003c` and so on. Half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD.
 */
export function quote(text: string): string {
  if (!UNUSUAL.test(text)) return `"${text}"`;
  return JSON.stringify(text.replace(LONE_SURROGATES, "\ufffd")).replace(HTML, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
