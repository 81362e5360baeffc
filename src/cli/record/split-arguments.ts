import type { Result } from "../../go/result.js";

/**
 * Splits a line into arguments as a POSIX shell does: at spaces, tabs and line feeds outside quotes. Single quotes keep
 * everything, double quotes all but a backslash before `"` and `\`, and a backslash outside quotes keeps the next
 * character. Nothing is expanded
 * (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_02).
 */
export function splitArguments(line: string): Result<readonly string[]> {
  const args: string[] = [];
  let current: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let index = 0; index < line.length; index++) {
    const character = line[index]!;
    if (quote === undefined && /[ \t\n]/.test(character)) {
      if (current !== undefined) args.push(current);
      current = undefined;
    } else if (quote === undefined && (character === "'" || character === '"')) {
      quote = character;
      current ??= "";
    } else if (character === quote) {
      quote = undefined;
    } else if (character === "\\" && quote !== "'") {
      const next = line[index + 1];
      if (next === undefined) return { fault: "a backslash at the end" };
      const isEscape = quote === undefined || next === '"' || next === "\\";
      current = (current ?? "") + (isEscape ? next : character + next);
      index++;
    } else {
      current = (current ?? "") + character;
    }
  }
  if (quote !== undefined) return { fault: `a quotation mark ${quote} that is not closed` };
  if (current !== undefined) args.push(current);
  return { value: args };
}
