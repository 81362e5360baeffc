import { type BigIntStats, fstatSync, statSync } from "node:fs";
import { codeOf } from "../errors/message.js";

/** What tells one file from another; in 64 bits, because inode numbers do not fit a double on every file system. */
export type FileIdentity = Pick<BigIntStats, "dev" | "ino">;

/** @throws The system's error. */
export function statDescriptor(descriptor: number): BigIntStats {
  return fstatSync(descriptor, { bigint: true });
}

/**
 * What is at a path now; symbolic links are followed.
 *
 * @returns Undefined if the file, or a folder of its path, does not exist.
 * @throws The system's error for any other reason, for example without permission for a folder of the path.
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

/** Whether both are the same file. */
export function isSameFile(one: FileIdentity, other: FileIdentity | undefined): boolean {
  return other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/** False only if the path is known to lead to another file or to none; true if that cannot be found out. */
export function isAtPath(file: FileIdentity, path: string): boolean {
  try {
    return isSameFile(file, statPath(path));
  } catch {
    return true;
  }
}
