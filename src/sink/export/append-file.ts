import { closeSync, constants, fchmodSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../errors/message.js";
import { statDescriptor } from "../../source/file-identity.js";

/** As Hubble (lumberjack): files are accessible to the owner only. */
const FILE_MODE = 0o600;
const PERMISSIONS = 0o7777;
/**
 * O_APPEND: writes go to the end of the file even after another program has truncated it. O_NONBLOCK: opening a pipe
 * without a reader fails instead of blocking the process; regular files ignore it.
 */
const OPEN_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;

/** Opens a file to append to it. @throws The system's error; ENXIO for a pipe without a reader. */
export function openToAppend(path: string): number {
  const descriptor = openSync(path, OPEN_FLAGS, FILE_MODE);
  if (statDescriptor(descriptor).isFile()) return descriptor;
  // Pipes and devices need a blocking descriptor.
  try {
    return openSync(path, "a");
  } finally {
    closeSync(descriptor);
  }
}

/** Creates a file with the permissions of another one, or opens it if another program has created it. */
export function createToAppend(path: string, mode: number): number {
  const permissions = mode & PERMISSIONS;
  let descriptor: number;
  try {
    descriptor = openSync(path, OPEN_FLAGS | constants.O_EXCL, permissions);
  } catch (error) {
    // Another program has created the file, with the permissions that it should have.
    if (codeOf(error) === "EEXIST") return openToAppend(path);
    throw error;
  }
  try {
    // Set the permissions that the umask has masked out.
    fchmodSync(descriptor, permissions);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Makes the names of the files in the folder of a path durable. */
export function syncFolder(path: string): void {
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
