interface Metrics {
  /** The nesting depth, counted as in Go. */
  readonly height: number;
  /**
   * The number of instructions of the compiled program, estimated as in Go, but without those for groups: a search
   * needs none.
   */
  readonly size: number;
  /**
   * The maximum number of instructions that can be active at one position of a string. It is only smaller than the size
   * for literals: no two prefixes of `abc` end at the same position, but all prefixes of `aaa` do.
   */
  readonly live: number;
  /** Whether it matches exactly one character. */
  readonly single: boolean;
}

/**
 * The syntax tree that a search without captures needs. `opaque` is everything that only the engine understands:
 * classes, case-insensitive letters, word boundaries, line anchors.
 */
export type RegexNode = Metrics &
  (
    | { readonly kind: "literal"; readonly text: string }
    | { readonly kind: "any"; readonly newline: boolean }
    | { readonly kind: "begin" | "end" }
    /** `letter` is a letter in either case. */
    | { readonly kind: "opaque"; readonly letter?: string }
    | { readonly kind: "concat"; readonly parts: readonly RegexNode[] }
    | { readonly kind: "alternate"; readonly choices: readonly RegexNode[] }
    | { readonly kind: "repeat"; readonly of: RegexNode; readonly min: number; readonly max: number }
    | { readonly kind: "capture"; readonly of: RegexNode }
  );

export const OPAQUE = { kind: "opaque", height: 1, size: 1, live: 1, single: false } as const;
export const OPAQUE_CHARACTER = { kind: "opaque", height: 1, size: 1, live: 1, single: true } as const;
export const BEGIN = { kind: "begin", height: 1, size: 1, live: 1, single: false } as const;
export const END = { kind: "end", height: 1, size: 1, live: 1, single: false } as const;
const EMPTY = { kind: "concat", parts: [], height: 1, size: 1, live: 1, single: false } as const;

export function concatOf(items: readonly RegexNode[]): RegexNode {
  if (items.length === 1) return items[0]!;
  const parts: RegexNode[] = [];
  let run = "";
  let height = 0;
  let size = 0;
  const endRun = () => {
    if (run !== "") parts.push(literalOf(run));
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
  return { kind: "concat", parts, height: height + 1, size, live: liveOf(parts), single: false };
}

function literalOf(text: string): RegexNode {
  return { kind: "literal", text, height: 1, size: text.length, live: liveInText(text), single: false };
}

/** Consecutive letters form one string, whether or not they are case-sensitive. */
function liveOf(parts: readonly RegexNode[]): number {
  let live = 0;
  let run = "";
  for (const part of parts) {
    const text = part.kind === "literal" ? part.text : part.kind === "opaque" ? part.letter : undefined;
    if (text !== undefined) {
      run += text;
      continue;
    }
    live += liveInText(run) + part.live;
    run = "";
  }
  return live + liveInText(run);
}

/**
 * The maximum number of proper prefixes of a string that can end at one position: each is a suffix of the longest of
 * them.
 */
function liveInText(text: string): number {
  const lower = text.toLowerCase();
  const { length } = lower;
  if (length < 2) return length;
  const borders = new Uint32Array(length);
  const depths = new Uint32Array(length).fill(1);
  let deepest = 1;
  let border = 0;
  for (let index = 1; index < length - 1; index++) {
    const code = lower.charCodeAt(index);
    while (border > 0 && lower.charCodeAt(border) !== code) border = borders[border - 1]!;
    if (lower.charCodeAt(border) === code) border++;
    borders[index] = border;
    if (border === 0) continue;
    const depth = depths[border - 1]! + 1;
    depths[index] = depth;
    if (depth > deepest) deepest = depth;
  }
  return deepest + 1;
}

export function alternateOf(nodes: readonly RegexNode[]): RegexNode {
  if (nodes.length === 1) return nodes[0]!;
  const choices: RegexNode[] = [];
  let height = 0;
  let size = -1;
  let live = -1;
  for (const node of nodes) {
    size += node.size + 1;
    live += node.live + 1;
    for (const choice of node.kind === "alternate" ? node.choices : [node]) {
      height = Math.max(height, choice.height);
      choices.push(choice);
    }
  }
  // Go compiles an alternation of single characters to a class.
  if (choices.every((choice) => choice.single))
    return { kind: "alternate", choices, height, size: sizeOfClass(choices), live: 1, single: true };
  return { kind: "alternate", choices, height: height + 1, size, live, single: false };
}

/** Only the ranges of classes take more than one instruction. */
function sizeOfClass(choices: readonly RegexNode[]): number {
  return choices.reduce((sum, { size }) => sum + size - 1, 1);
}

export function repeatOf(of: RegexNode, min: number, max: number): RegexNode {
  const copies = (one: number) =>
    Math.max(1, max >= 0 ? max * one + (max - min) : 2 + min * one + (min === 0 ? one : 0));
  const { height, size, live } = of;
  return {
    kind: "repeat",
    of,
    min,
    max,
    height: height + 1,
    size: copies(size),
    live: copies(live),
    single: false,
  };
}

export function captureOf(of: RegexNode): RegexNode {
  return { kind: "capture", of, height: of.height + 1, size: of.size, live: of.live, single: false };
}

/** Whether the product of nested repeat counts stays within the budget on every path; divides as Go does. */
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
