/** Checkpoints in files. Node only. */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { checkArgument } from "../errors/check-argument.js";
import { FlowscribeError, OpenError } from "../errors/errors.js";
import { codeOf, messageOf, withoutPath } from "../errors/message.js";
import { aPath, isObject } from "../errors/value-checks.js";
import type { JsonValue } from "../observer/events/event-source.js";

/** A file that holds the position of a source: the store of `collect`. */
export interface CheckpointFile {
  /**
   * Returns the position that was saved last; undefined if there is none yet. If the file is damaged, the one before it is
   * returned.
   *
   * @throws FlowscribeError `open_failed` if both files are damaged or cannot be read.
   */
  load(): Promise<JsonValue | undefined>;
  /**
   * Writes the position to a new file, which then replaces the old one; the old one is kept as `<path>.previous`. Resolves
   * when it is on the disk.
   *
   * @throws FlowscribeError `sink_failed` with the system's error. The last checkpoint is still there.
   */
  save(position: JsonValue): Promise<void>;
}

/** Owner only: positions contain names of nodes. */
const FILE_MODE = 0o600;
const FORMAT = "flowscribe-checkpoint-1";

/**
 * Returns the checkpoint in a file: JSON with a checksum. The file and its folder are created by the first `save`.
 *
 * @example
 * const checkpoint = openCheckpointFile("/var/lib/collector/checkpoint.json");
 */
export function openCheckpointFile(path: string): CheckpointFile {
  checkArgument("openCheckpointFile", "path", path, aPath);
  const file = resolve(path);
  return { load: () => load(file), save: (position) => save(file, position) };
}

async function load(path: string): Promise<JsonValue | undefined> {
  let fault: unknown;
  let isMissing = true;
  for (const candidate of [path, previousOf(path)]) {
    try {
      return parse(await readFile(candidate, "utf8"));
    } catch (error) {
      // A crash between the two renames of `save` leaves only the previous file.
      if (codeOf(error) === "ENOENT") continue;
      isMissing = false;
      fault ??= error;
    }
  }
  if (isMissing) return undefined;
  throw new OpenError(path, fault);
}

async function save(path: string, position: JsonValue): Promise<void> {
  const next = `${path}.next`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(next, "w", FILE_MODE);
    try {
      await handle.writeFile(format(position));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameIfPresent(path, previousOf(path));
    await rename(next, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw new FlowscribeError("sink_failed", `save the checkpoint ${path}: ${withoutPath(cause)}`, { cause });
  }
}

function previousOf(path: string): string {
  return `${path}.previous`;
}

async function renameIfPresent(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function format(position: JsonValue): string {
  return `${JSON.stringify({ format: FORMAT, checksum: checksumOf(position), position })}\n`;
}

/** @throws Error if the text is not a whole checkpoint. */
function parse(text: string): JsonValue {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`not a checkpoint: ${messageOf(cause)}`, { cause });
  }
  const { format, checksum, position } = (isObject(value) ? value : {}) as Record<
    string,
    JsonValue | undefined
  >;
  if (format !== FORMAT || position === undefined)
    throw new Error(`not a checkpoint of the format ${FORMAT}`);
  if (checksum !== checksumOf(position))
    throw new Error("the checksum of the checkpoint is wrong: it is damaged");
  return position;
}

function checksumOf(position: JsonValue): string {
  return createHash("sha256").update(JSON.stringify(position)).digest("hex");
}
