import type { Issue } from "../../errors/errors.js";

/** UTF-16 code units of all issues together; the first is never left out, and no issue is longer by itself (see `issueOf`). */
const MAX_LENGTH = 3000;

/**
 * Issues as one status message. A single one reads as upstream's; of several each has its path, and those that make the
 * message too long are only counted.
 */
export function issuesText(issues: readonly Issue[]): string {
  const [first] = issues;
  if (issues.length <= 1) return first?.message ?? "";
  let text = "";
  for (const [index, { path, message }] of issues.entries()) {
    const next = `${index === 0 ? "" : "; "}${path}: ${message}`;
    if (index > 0 && text.length + next.length > MAX_LENGTH)
      return `${text}; and ${issues.length - index} more`;
    text += next;
  }
  return text;
}
