import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkArgument } from "../errors/check-argument.js";
import { aString } from "../errors/value-checks.js";

/**
 * Total size in bytes of the files in a folder, without subfolders; 0 if the folder does not exist. For `storedBytes`
 * of a recorder service.
 *
 * @throws The system error, if the folder cannot be read.
 */
export async function folderBytes(folder: string): Promise<number> {
  checkArgument("folderBytes", "folder", folder, aString);
  let sum = 0;
  for (const entry of await entriesOf(folder)) {
    if (entry.isFile()) sum += await fileBytes(join(folder, entry.name));
  }
  return sum;
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A file may be deleted while the folder is read. */
async function fileBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
