import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { FlowscribeError } from "../errors/errors.js";
import { messageOf } from "../errors/message.js";

/** Owner only, as packets contain private communication. */
const FOLDER_MODE = 0o700;

/**
 * Creates the folder for recordings and its parents if necessary.
 *
 * @throws FlowscribeError `sink_failed`, with the message of Cilium's Recorder.
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

/**
 * Creates one level at a time: Node's recursive `mkdir` loops forever if the file system returns ENOENT, as /proc does.
 */
function make(folder: string): void {
  if (isFolder(folder)) return;
  make(dirname(folder));
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    // Another process may have created it in the meantime.
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true || path === dirname(path);
}
