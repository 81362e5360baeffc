import { type BigIntStats, fstatSync, statSync } from "node:fs";
import { codeOf } from "../errors/message.js";

/** Identifies a file. 64-bit integers, because on some file systems inode numbers exceed the precision of a double. */
export type FileIdentity = Pick<BigIntStats, "dev" | "ino">;

/** @throws The system's error. */
export function statDescriptor(descriptor: number): BigIntStats {
  return fstatSync(descriptor, { bigint: true });
}

/**
 * Returns the stats of the file at a path, following symbolic links.
 *
 * @returns Undefined if the file, or a folder of its path, does not exist.
 * @throws The system's error for any other reason, for example missing permission for a folder of the path.
 */
export function statPath(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Whether both identify the same file. */
export function isSameFile(one: FileIdentity, other: FileIdentity | undefined): boolean {
  return other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/** False only if the path is known to lead to another file or no file; true if this cannot be determined. */
export function isAtPath(file: FileIdentity, path: string): boolean {
  try {
    return isSameFile(file, statPath(path));
  } catch {
    return true;
  }
}
