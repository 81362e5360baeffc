interface Metrics {
  /** Levels of nesting, counted as Go does. */
  readonly height: number;
  /** Instructions of the compiled program, estimated as Go does. */
  readonly size: number;
  /** It matches exactly one character. */
  readonly single: boolean;
}

/**
 * What a search without captures needs to know of a pattern. `opaque` is everything that only the engine understands:
 * classes, letters of either case, word boundaries, line anchors.
 */
export type RegexNode = Metrics &
  (
    | { readonly kind: "literal"; readonly text: string }
    | { readonly kind: "any"; readonly newline: boolean }
    | { readonly kind: "begin" | "end" | "opaque" }
    | { readonly kind: "concat"; readonly parts: readonly RegexNode[] }
    | { readonly kind: "alternate"; readonly choices: readonly RegexNode[] }
    | { readonly kind: "repeat"; readonly of: RegexNode; readonly min: number; readonly max: number }
    | { readonly kind: "capture"; readonly of: RegexNode }
  );

export const OPAQUE = { kind: "opaque", height: 1, size: 1, single: false } as const;
export const OPAQUE_CHARACTER = { kind: "opaque", height: 1, size: 1, single: true } as const;
export const BEGIN = { kind: "begin", height: 1, size: 1, single: false } as const;
export const END = { kind: "end", height: 1, size: 1, single: false } as const;
const EMPTY = { kind: "concat", parts: [], height: 1, size: 1, single: false } as const;

export function concatOf(items: readonly RegexNode[]): RegexNode {
  if (items.length === 1) return items[0]!;
  const parts: RegexNode[] = [];
  let run = "";
  let height = 0;
  let size = 0;
  const endRun = () => {
    if (run !== "") parts.push({ kind: "literal", text: run, height: 1, size: run.length, single: false });
    run = "";
  };
  for (const item of items) {
    size += item.size;
    for (const part of item.kind === "concat" ? item.parts : [item]) {
      height = Math.max(height, part.height);
      if (part.kind === "literal") {
        run += part.text;
      } else {
        endRun();
        parts.push(part);
      }
    }
  }
  endRun();
  if (parts.length === 0) return EMPTY;
  if (parts.length === 1) return parts[0]!;
  return { kind: "concat", parts, height: height + 1, size, single: false };
}

export function alternateOf(nodes: readonly RegexNode[]): RegexNode {
  if (nodes.length === 1) return nodes[0]!;
  const choices: RegexNode[] = [];
  let height = 0;
  let size = -1;
  for (const node of nodes) {
    size += node.size + 1;
    for (const choice of node.kind === "alternate" ? node.choices : [node]) {
      height = Math.max(height, choice.height);
      choices.push(choice);
    }
  }
  // Go makes a class of an alternation of characters.
  if (choices.every((choice) => choice.single))
    return { kind: "alternate", choices, height, size: 1, single: true };
  return { kind: "alternate", choices, height: height + 1, size, single: false };
}

export function repeatOf(of: RegexNode, min: number, max: number): RegexNode {
  const size = max >= 0 ? max * of.size + (max - min) : 2 + min * of.size + (min === 0 ? of.size : 0);
  return { kind: "repeat", of, min, max, height: of.height + 1, size: Math.max(1, size), single: false };
}

export function captureOf(of: RegexNode): RegexNode {
  return { kind: "capture", of, height: of.height + 1, size: of.size + 2, single: false };
}

/** Whether no path down the tree multiplies its counts beyond the budget; divides as Go does. */
export function fitsRepeats(node: RegexNode, budget: number): boolean {
  switch (node.kind) {
    case "repeat": {
      if (node.max === 0) return true;
      const counted = node.max < 0 ? node.min : node.max;
      if (counted > budget) return false;
      return fitsRepeats(node.of, counted > 0 ? Math.floor(budget / counted) : budget);
    }
    case "capture":
      return fitsRepeats(node.of, budget);
    case "concat":
      return node.parts.every((part) => fitsRepeats(part, budget));
    case "alternate":
      return node.choices.every((choice) => fitsRepeats(choice, budget));
    default:
      return true;
  }
}
