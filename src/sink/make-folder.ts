import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { FlowscribeError } from "../errors/errors.js";
import { messageOf } from "../errors/message.js";

/** Owner only: packets are other people's conversations. */
const FOLDER_MODE = 0o700;

/**
 * Makes the folder that recordings are to be written to, and those above it, if need be.
 *
 * @throws FlowscribeError `sink_failed`, in the words of Cilium's Recorder.
 */
export function makeFolder(folder: string): void {
  try {
    make(resolve(folder));
  } catch (error) {
    throw new FlowscribeError("sink_failed", `failed to create storage path directory: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** One after the other: Node's own recursive way tries for ever where a file system refuses with ENOENT, as /proc does. */
function make(folder: string): void {
  if (isFolder(folder)) return;
  make(dirname(folder));
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    // Somebody else has made it in the meantime.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true || path === dirname(path);
}
