/** Matches anything except printable ASCII other than `"`, `\`, `<`, `>` and `&`. */
const UNUSUAL = /[^ !#-%'-;=?-[\]-~]/;
/** With the `u` flag, only unpaired surrogates match. */
const LONE_SURROGATES = /\p{Surrogate}/gu;
const HTML = /[<>&\u2028\u2029]/g;

/**
 * Quotes a string like Go's protojson followed by the HTML escaping of encoding/json: `<`, `>`, `&`, U+2028 and U+2029
 * become `\u003c` and so on. Unpaired surrogates, which UTF-8 cannot represent, become U+FFFD.
 */
export function quote(text: string): string {
  if (!UNUSUAL.test(text)) return `"${text}"`;
  return JSON.stringify(text.replace(LONE_SURROGATES, "\ufffd")).replace(HTML, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
