import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { codeOf } from "../../errors/message.js";
import { readLine } from "../../message/json/line/read-line.js";
import { startOfLastLine } from "../../source/last-line.js";

/** A longer last line is not read to see whether it is whole. */
const MAX_LINE = 16 * 1024 * 1024;

/**
 * Ends the last line of a file of events if a crash has left it without a line feed: a whole event gets its line feed, what
 * was only written in part is cut off. Other programs and lines are not touched: a missing file and what is not a regular
 * file are left alone.
 *
 * @returns The number of bytes that were cut off.
 * @throws The system's error.
 */
export function repairLastLine(path: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r+");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return 0;
    throw error;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size === 0) return 0;
    const start = startOfLastLine(descriptor, stats.size);
    if (start === stats.size) return 0;
    if (isEvent(descriptor, start, stats.size)) {
      writeSync(descriptor, "\n", stats.size);
      return 0;
    }
    ftruncateSync(descriptor, start);
    return stats.size - start;
  } finally {
    closeSync(descriptor);
  }
}

function isEvent(descriptor: number, start: number, end: number): boolean {
  if (end - start > MAX_LINE) return false;
  const line = Buffer.alloc(end - start);
  const length = readSync(descriptor, line, 0, line.length, start);
  return length === line.length && typeof readLine(line) !== "string";
}
