import { FlowscribeError } from "../../errors/errors.js";

/** One fault of an expression. */
export interface CelIssue {
  /** Where: an offset in UTF-16 code units, or {@link WHOLE_EXPRESSION}. */
  readonly at: number;
  readonly message: string;
}

/** A fault and the place where a person looks for it. */
export interface PlacedCelIssue extends CelIssue {
  /** From 1; -1 for the expression as a whole. */
  readonly line: number;
  /** In code points from 1; 0 for the expression as a whole. */
  readonly column: number;
}

/** The place of a fault that no single place has: a limit exceeded. */
export const WHOLE_EXPRESSION = -1;

/** How many faults a message tells, as in cel-go; of the others it tells the number. */
export const MAX_CEL_ISSUES_SHOWN = 100;

/**
 * An expression that does not compile. The message is that of cel-go v0.20.1: every fault with its line and a caret below
 * the place (https://github.com/google/cel-go/blob/v0.20.1/common/error.go).
 */
export class CelError extends FlowscribeError {
  declare readonly code: "invalid_cel";
  readonly expression: string;
  /** All faults in the order of their places; those at one place in the order in which they were found. */
  readonly issues: readonly PlacedCelIssue[];

  /** Takes the issues in the order in which they were found, and a message where it is not to be made of them. */
  constructor(expression: string, issues: readonly CelIssue[], message?: string) {
    const lines = expression.split("\n");
    const shown = place(lines, issues.slice(0, MAX_CEL_ISSUES_SHOWN)).map((issue) =>
      formatIssue(issue, expression === "" ? undefined : lines[issue.line - 1]),
    );
    const hidden = issues.length - shown.length;
    if (hidden > 0) shown.push(`${hidden} more errors were truncated`);
    super("invalid_cel", message ?? shown.join("\n"));
    this.expression = expression;
    this.issues = place(lines, issues);
  }
}

/** Sorts the issues and counts their lines and columns, in one pass over the lines. */
function place(lines: readonly string[], issues: readonly CelIssue[]): PlacedCelIssue[] {
  let line = 0;
  let lineStart = 0;
  let columnAt = 0;
  let column = 1;
  return issues
    .slice()
    .sort((one, other) => one.at - other.at)
    .map(({ at, message }) => {
      if (at === WHOLE_EXPRESSION) return { at, message, line: -1, column: 0 };
      while (line + 1 < lines.length && at > lineStart + lines[line]!.length) {
        lineStart += lines[line]!.length + 1;
        line++;
        columnAt = lineStart;
        column = 1;
      }
      for (const character of lines[line]!.slice(columnAt - lineStart, at - lineStart)) {
        columnAt += character.length;
        column++;
      }
      return { at, message, line: line + 1, column };
    });
}

/** The issue as cel-go prints it; without its line when there is none, or none that one would want to read. */
function formatIssue({ line, column, message }: PlacedCelIssue, source: string | undefined): string {
  const fault = `ERROR: <input>:${line}:${column}: ${message}`;
  if (source === undefined || source.length > MAX_LINE_SHOWN) return fault;
  let shown = "";
  let pointer = "";
  let passed = 1;
  for (const character of source) {
    shown += printable(character);
    if (passed < column) pointer += isWide(character) ? "\uff0e" : ".";
    else if (passed === column) pointer += isWide(character) ? "\uff3e" : "^";
    passed++;
  }
  if (passed <= column) pointer += "^";
  return `${fault}\n | ${shown}\n | ${pointer}`;
}

// cel-go's limit, which it counts in bytes.
const MAX_LINE_SHOWN = 16_384;

/** What takes more than one byte in UTF-8 is taken to be two columns wide. */
function isWide(character: string): boolean {
  return character.codePointAt(0)! >= 0x80;
}

/** A tab becomes a space, as in cel-go; other control characters, which could drive a terminal, become their pictures. */
function printable(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === "\t") return " ";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return code >= 0x80 && code < 0xa0 ? "\ufffd" : character;
}
