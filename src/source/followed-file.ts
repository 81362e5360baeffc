import { stat } from "node:fs/promises";

/** Interval for checking a followed file for changes, in milliseconds. */
export const POLL_MS = 250;

/** Why a followed file ended: another file has its name, or it is shorter than what was read. */
export type FileEnd = "replaced" | "cut";

/** What is needed of an open file. */
export interface StatHandle {
  stat(): Promise<{ readonly size: number; readonly ino: number; readonly dev: number }>;
}

/**
 * Whether an open file has ended, as `tail -F` sees it; undefined while it is at its path.
 *
 * @param bytes The number of bytes that were read from it.
 */
export async function endOfFile(
  path: string,
  handle: StatHandle,
  bytes: number,
): Promise<FileEnd | undefined> {
  const opened = await handle.stat();
  if (opened.size < bytes) return "cut";
  try {
    const named = await stat(path);
    return named.ino === opened.ino && named.dev === opened.dev ? undefined : "replaced";
  } catch {
    // During a rotation, there may briefly be no file of that name.
    return undefined;
  }
}
