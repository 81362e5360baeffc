import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { FlowscribeError } from "../../errors/errors.js";
import type { Backup, BackupName } from "../../source/export-file/backup-name.js";
import { outputFailed } from "./line-output.js";

/**
 * Removes all but the newest backups and compresses the remaining ones. An interrupted compression leaves a backup and
 * its compressed form; they count as one, and the backup is compressed again.
 *
 * @param maxBackups Number of backups to keep; 0 for all.
 * @returns The errors; never rejects.
 */
export async function tidyBackups(
  names: BackupName,
  maxBackups: number,
  compress: boolean,
): Promise<readonly FlowscribeError[]> {
  const errors: FlowscribeError[] = [];
  async function attempt(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      errors.push(outputFailed(doing, error));
    }
  }

  let backups: Backup[] = [];
  await attempt(`list the backups in ${names.folder}`, async () => {
    backups = await listBackups(names);
  });
  const times = [...new Set(backups.map(({ timeMs }) => timeMs))].sort((a, b) => b - a);
  const kept = new Set(maxBackups === 0 ? times : times.slice(0, maxBackups));
  for (const { name, timeMs, compressed } of backups) {
    const path = join(names.folder, name);
    if (!kept.has(timeMs)) await attempt(`remove ${path}`, () => rm(path));
    else if (compress && !compressed) await attempt(`compress ${path}`, () => compressFile(path));
  }
  return errors;
}

async function listBackups(names: BackupName): Promise<Backup[]> {
  const entries = await readdir(names.folder, { withFileTypes: true });
  return entries.flatMap((entry) => {
    const backup = entry.isFile() ? names.parse(entry.name) : undefined;
    return backup === undefined ? [] : [backup];
  });
}

async function compressFile(path: string): Promise<void> {
  const compressed = `${path}.gz`;
  const { mode } = await stat(path);
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(compressed, { mode }));
  } catch (error) {
    await rm(compressed, { force: true });
    throw error;
  }
  await rm(path);
}
