import type { Issue } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";

/** Collects the issues of a message: first those of reading it, then those of its values. */
export class MessageIssues {
  readonly issues: Issue[] = [];
  readonly #unreadable = new Set<string>();

  /** Reports a value that cannot be read. Later issues of the placeholder at the same path are ignored. */
  reportUnreadable(path: string, message: string): void {
    this.#unreadable.add(path);
    this.issues.push(issueOf(path, message));
  }

  /** Reports an invalid value. */
  report(path: string, message: string): void {
    if (!this.#isUnreadable(path)) this.issues.push(issueOf(path, message));
  }

  /** Whether the value at a path, or one that contains it, could not be read. */
  #isUnreadable(path: string): boolean {
    if (this.#unreadable.size === 0) return false;
    for (let at = path; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("."), at.lastIndexOf("["), 0))) {
      if (this.#unreadable.has(at)) return true;
    }
    return this.#unreadable.has("");
  }
}
