import type { Issue } from "../../errors/errors.js";

/**
 * Maximum length of the message in UTF-16 code units. The first issue is always included; `issueOf` limits the length
 * of each.
 */
const MAX_LENGTH = 3000;

/**
 * Formats issues as one status message. A single issue reads as upstream's. If there are several, each is prefixed with
 * its path, and those that exceed the maximum length are only counted.
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
