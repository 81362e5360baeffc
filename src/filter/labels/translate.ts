/**
 * Rewrites the sources in a selector for the Kubernetes grammar, which has no colon: `k8s:app` becomes `k8s.app`, and a
 * key without a source becomes `any.key`. Only the first colon of a key separates the source. A key ends at white
 * space, `=`, `!` or a comma, but not at `<`, `>` or `(`. The text from there to the next comma outside parentheses is
 * unchanged. An empty selector stays empty. See cilium pkg/hubble/filters/labels.go.
 */
export function translateSelector(selector: string): string {
  let translated = "";
  let index = 0;
  while (index < selector.length) {
    const start = index;
    while (index < selector.length && (selector[index] === "!" || isWhiteSpace(selector[index]!))) index++;
    const key = index;
    while (index < selector.length && !endsKey(selector[index]!)) index++;
    const keyEnd = index;
    index = afterComma(selector, index);
    const colon = selector.slice(key, keyEnd).indexOf(":");
    translated += selector.slice(start, key);
    translated +=
      colon < 0
        ? `any.${selector.slice(key, index)}`
        : `${selector.slice(key, key + colon)}.${selector.slice(key + colon + 1, index)}`;
  }
  return translated;
}

function endsKey(character: string): boolean {
  return character === "=" || character === "!" || character === "," || isWhiteSpace(character);
}

/** The index after the first comma outside parentheses, or the end. */
function afterComma(selector: string, start: number): number {
  let depth = 0;
  for (let index = start; index < selector.length; index++) {
    const character = selector[index];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "," && depth === 0) return index + 1;
  }
  return selector.length;
}

/** Go's `unicode.IsSpace`: JavaScript's `\s` plus U+0085 minus U+FEFF. */
function isWhiteSpace(character: string): boolean {
  if (character < "\u0080") return character === " " || (character >= "\t" && character <= "\r");
  return character === "\u0085" || (character !== "\ufeff" && WIDE_SPACE.test(character));
}

const WIDE_SPACE = /\s/;
