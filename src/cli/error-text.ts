import { getSystemErrorMap } from "node:util";
import { type ErrorCode, FilterError, FlowscribeError, type Issue } from "../errors/errors.js";
import { escapeControls } from "../observer/format/escape.js";
import { EXIT, type ExitCode } from "./exit-code.js";

/** A command line that does not say what to do, in ways that flags alone cannot tell. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The exit code of a command that threw. */
export function exitCodeOf(error: unknown): ExitCode {
  return isUsageError(error) ? EXIT.usage : EXIT.failed;
}

/** Codes of what only a command line can be wrong about. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  "invalid_flags",
  "invalid_filter",
  "invalid_field_mask",
  "invalid_recording",
  "invalid_expression",
]);

export function isUsageError(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof FlowscribeError && USAGE_CODES.has(error.code));
}

/** What to tell the user, safe for a terminal; system errors in Go's words, as Hubble has them. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return clean(String(error));
  if (error instanceof FilterError) return clean(filterIssuesText(error.issues));
  const { errno, syscall, path } = error as NodeJS.ErrnoException;
  if (errno === undefined || syscall === undefined) return clean(error.message);
  const about = getSystemErrorMap().get(errno)?.[1] ?? error.message;
  return clean(path === undefined ? `${syscall}: ${about}` : `${syscall} ${path}: ${about}`);
}

const SIDE = /\b(source|destination)[_ ]/;

/**
 * A line for each issue. A flag such as `--port` makes two filters, one for each side, and a wrong value is an issue of both:
 * `allow[0].source_port[0], allow[1].destination_port[0]: invalid port filter: …`.
 */
function filterIssuesText(issues: readonly Issue[]): string {
  const merged = new Map<string, { paths: string[]; message: string }>();
  for (const { path, message } of issues) {
    const list = /^(allow|deny)\[\d+\]/.exec(path);
    const field = list === null ? path : path.replace(list[0], list[1]!).replace(SIDE, "");
    const key = `${field}: ${message.replace(SIDE, "")}`;
    const same = merged.get(key);
    if (same === undefined) merged.set(key, { paths: path === "" ? [] : [path], message });
    else {
      same.paths.push(path);
      if (same.message !== message) same.message = message.replace(SIDE, "");
    }
  }
  return Array.from(merged.values(), ({ paths, message }) =>
    paths.length === 0 ? message : `${paths.join(", ")}: ${message}`,
  ).join("\n");
}

/** Lines stay lines; all else that would move the cursor is made visible. */
export function clean(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}
