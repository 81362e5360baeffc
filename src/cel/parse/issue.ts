import { FlowscribeError } from "../../errors/errors.js";

/** A fault of an expression. */
export interface CelIssue {
  /** The position as an offset in UTF-16 code units, {@link WHOLE_EXPRESSION}, or -2 before the first character. */
  readonly at: number;
  readonly message: string;
}

/** A fault with its line and column. */
export interface PlacedCelIssue extends CelIssue {
  /** The line, from 1; -1 for the whole expression. */
  readonly line: number;
  /** The column in code points, from 1; 0 for the whole expression, and before it. */
  readonly column: number;
}

/** The position of a fault that concerns the whole expression, such as an exceeded limit. */
export const WHOLE_EXPRESSION = -1;

/** The position before the first column, where cel-go 0.26 places the end of an empty expression. */
export const BEFORE_EXPRESSION = -2;

/** The maximum number of faults in a message, as in cel-go; the message states how many others were omitted. */
export const MAX_CEL_ISSUES_SHOWN = 100;

/**
 * An expression that does not compile. The message has cel-go v0.20.1's format: every fault with its line and a caret
 * below its position (https://github.com/google/cel-go/blob/v0.20.1/common/error.go).
 */
export class CelError extends FlowscribeError {
  declare readonly code: "invalid_cel";
  readonly expression: string;
  /** All faults, sorted by position; those at the same position in the order in which they were found. */
  readonly issues: readonly PlacedCelIssue[];

  /**
   * @param issues In the order in which they were found.
   * @param message Replaces the message that is formatted from the issues.
   */
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

/** Sorts the issues and computes their lines and columns in a single pass. */
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
      if (at === BEFORE_EXPRESSION) return { at, message, line: 1, column: 0 };
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

/** Formats an issue like cel-go. Omits the source line if it is missing or too long. */
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

// cel-go's limit, which it applies to bytes; this one applies to UTF-16 code units.
const MAX_LINE_SHOWN = 16_384;

/** Characters of more than one UTF-8 byte count as two columns wide, as in cel-go. */
function isWide(character: string): boolean {
  return character.codePointAt(0)! >= 0x80;
}

/**
 * Replaces a tab with a space, as cel-go does, and other control characters, which could affect a terminal, with
 * visible symbols.
 */
function printable(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === "\t") return " ";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return code >= 0x80 && code < 0xa0 ? "\ufffd" : character;
}
