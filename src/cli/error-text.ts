import { getSystemErrorMap } from "node:util";
import { type ErrorCode, FilterError, FlowscribeError, type Issue } from "../errors/errors.js";
import { escapeControls } from "../observer/format/escape.js";
import { EXIT, type ExitCode } from "./exit-code.js";

/** An invalid command line, for errors that parsing the flags alone cannot detect. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The exit code for an error that a command has thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  return isUsageError(error) ? EXIT.usage : EXIT.failed;
}

/** Error codes that only an invalid command line can cause. */
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

/** The message for the user, safe for a terminal. System errors have Go's wording, as in Hubble. */
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
 * Formats filter issues, one line each. A flag such as `--port` creates two filters, one per side, so an invalid value
 * causes an issue in both; these share a line: `allow[0].source_port[0], allow[1].destination_port[0]: invalid port
 * filter: …`.
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

/** Escapes control characters that could move the cursor; keeps line feeds. */
export function clean(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}
