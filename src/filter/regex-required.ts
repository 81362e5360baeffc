import type { RegexNode } from "./regex-node.js";

/** Tests for texts that every match contains; a text that fails needs no engine to say no. */
export function findRequired(root: RegexNode): ((text: string) => boolean) | undefined {
  const pieces: Piece[] = [];
  collect(root, pieces);
  const first = pieces[0] === "begin" ? pieces[1] : undefined;
  const last = pieces.at(-1) === "end" ? pieces.at(-2) : undefined;
  let inner = "";
  for (const piece of pieces) {
    if (typeof piece === "string" || piece === first || piece === last) continue;
    if (piece.text.length > inner.length) inner = piece.text;
  }
  const prefix = typeof first === "object" ? first.text : "";
  const suffix = typeof last === "object" ? last.text : "";
  if (prefix === "" && suffix === "") return inner === "" ? undefined : (text) => text.includes(inner);
  // A single character is found in most texts: not worth another search.
  if (inner.length < 2) return (text) => text.startsWith(prefix) && text.endsWith(suffix);
  return (text) => text.startsWith(prefix) && text.endsWith(suffix) && text.includes(inner);
}

type Piece = { text: string } | "begin" | "end" | "unknown";

/** What every match passes in this order, with `unknown` where something may stand between. */
function collect(node: RegexNode, pieces: Piece[]): void {
  switch (node.kind) {
    case "literal": {
      const last = pieces.at(-1);
      if (typeof last === "object") last.text += node.text;
      else pieces.push({ text: node.text });
      return;
    }
    case "begin":
    case "end":
      pieces.push(node.kind);
      return;
    case "capture":
      collect(node.of, pieces);
      return;
    case "concat":
      for (const part of node.parts) collect(part, pieces);
      return;
    case "repeat":
      if (node.min > 0) {
        pieces.push("unknown");
        collect(node.of, pieces);
      }
      pieces.push("unknown");
      return;
    default:
      pieces.push("unknown");
  }
}
