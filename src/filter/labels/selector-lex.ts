export type TokenKind =
  | "end"
  | "identifier"
  | "in"
  | "notin"
  | ")"
  | "("
  | ","
  | "!"
  | "=="
  | "="
  | "!="
  | ">"
  | "<";

export interface Token {
  readonly kind: TokenKind;
  /** The token as error texts quote it; empty for the end. */
  readonly text: string;
}

/**
 * Splits a selector into tokens, including a final `end`, like Kubernetes' lexer
 * (https://pkg.go.dev/k8s.io/apimachinery/pkg/labels): a NUL ends an identifier or operator and is dropped; at the
 * start of a token it ends the selector.
 */
export function lexSelector(text: string): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (true) {
    while (index < text.length && isBlank(text[index]!)) index++;
    if (index === text.length || text[index] === "\0") break;
    const start = index;
    if (isSpecial(text[index]!)) {
      index += OPERATORS_OF_TWO.has(text.slice(index, index + 2)) ? 2 : 1;
    } else {
      while (index < text.length && !endsIdentifier(text[index]!)) index++;
    }
    const word = text.slice(start, index);
    if (text[index] === "\0") index++;
    // The text of every special character, and of every pair in the set, is also the name of its kind.
    const kind =
      isSpecial(word[0]!) || word === "in" || word === "notin" ? (word as TokenKind) : "identifier";
    tokens.push({ kind, text: word });
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

const OPERATORS_OF_TWO: ReadonlySet<string> = new Set(["==", "!="]);

function endsIdentifier(character: string): boolean {
  return character === "\0" || isSpecial(character) || isBlank(character);
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t" || character === "\r" || character === "\n";
}

function isSpecial(character: string): boolean {
  switch (character) {
    case "=":
    case "!":
    case "(":
    case ")":
    case ",":
    case ">":
    case "<":
      return true;
    default:
      return false;
  }
}
