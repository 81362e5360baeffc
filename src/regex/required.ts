import type { RegexNode } from "./node.js";

type TextTest = (text: string) => boolean;

/**
 * Strings that every match contains, as a prefix, as a suffix, and anywhere; "" for none. At least one is not empty.
 */
export interface Required {
  readonly prefix: string;
  readonly suffix: string;
  readonly inner: string;
}

/** Finds the strings that every match requires. A string without them is rejected without running an engine. */
export function findRequired(root: RegexNode): Required | undefined {
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
  if (prefix === "" && suffix === "") return inner === "" ? undefined : { prefix, suffix, inner };
  // Most strings contain a given character, so checking it is not worthwhile.
  return { prefix, suffix, inner: inner.length < 2 ? "" : inner };
}

/** Compiles a test for the required strings. */
function compileRequired({ prefix, suffix, inner }: Required): TextTest {
  if (prefix === "" && suffix === "") return (text) => text.includes(inner);
  if (inner === "") return (text) => text.startsWith(prefix) && text.endsWith(suffix);
  return (text) => text.startsWith(prefix) && text.endsWith(suffix) && text.includes(inner);
}

/**
 * Compiles a test that holds if the requirements of any pattern are met. If all of them have a prefix, it only looks up
 * prefixes.
 */
export function compileAnyRequired(required: readonly Required[]): TextTest {
  if (required.length > 1 && required.every(({ prefix }) => prefix !== "")) {
    const byLength = groupByLength(required.map(({ prefix }) => prefix));
    return (text) => byLength.some(({ length, prefixes }) => prefixes.has(text.slice(0, length)));
  }
  const [first] = required;
  if (first !== undefined && required.length === 1) return compileRequired(first);
  const tests = required.map(compileRequired);
  return (text) => tests.some((test) => test(text));
}

function groupByLength(prefixes: readonly string[]): { length: number; prefixes: Set<string> }[] {
  const groups = new Map<number, Set<string>>();
  for (const prefix of prefixes) {
    const group = groups.get(prefix.length);
    if (group === undefined) groups.set(prefix.length, new Set([prefix]));
    else group.add(prefix);
  }
  return [...groups].map(([length, group]) => ({ length, prefixes: group }));
}

type Piece = { text: string } | "begin" | "end" | "unknown";

/**
 * Collects the literals and anchors of every match in order, with `unknown` where other characters may occur in
 * between.
 */
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
