import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf } from "../../errors/message.js";
import { type FileIdentity, isSameFile, statPath } from "../file-identity.js";
import { BackupName } from "./backup-name.js";

/** A file of an export: the one at the path, or a backup. */
export interface ListedFile extends FileIdentity {
  readonly path: string;
}

/** Lists an export file with its backups. */
export class FileList {
  readonly #path: string;
  readonly hasBackups: boolean;
  readonly #timed: BackupName;
  readonly #numbered: RegExp;

  /** @param hasBackups False to list only the file itself. */
  constructor(path: string, hasBackups: boolean) {
    this.#path = path;
    this.hasBackups = hasBackups;
    this.#timed = new BackupName(path);
    // logrotate's `hubble.log.1` and `hubble.log.2.gz`
    this.#numbered = new RegExp(`^${escapeRegExp(basename(path))}\\.(\\d{1,9})(?:\\.gz)?$`);
  }

  /**
   * Returns the files that exist, the oldest first; the last one is the file at the path if there is one. Of a backup that is
   * being compressed, only the plain form is listed. Numbered backups count as older than those with a time.
   *
   * @throws The system's error, except that nothing exists in a folder that does not exist.
   */
  async read(): Promise<ListedFile[]> {
    // A rotation while the folder is read could hide a file.
    for (let before = await this.#readOnce(); ; ) {
      const after = await this.#readOnce();
      if (isSameList(before, after)) return after;
      before = after;
    }
  }

  async #readOnce(): Promise<ListedFile[]> {
    const names = this.hasBackups ? await namesIn(dirname(this.#path)) : [];
    const paths = this.#inOrder(names).map((name) => join(dirname(this.#path), name));
    return [...paths, this.#path].flatMap((path) => {
      const stats = statPath(path);
      return stats === undefined || (path !== this.#path && !stats.isFile())
        ? []
        : [{ path, dev: stats.dev, ino: stats.ino }];
    });
  }

  /** The names of backups, the oldest first. */
  #inOrder(names: readonly string[]): string[] {
    const existing = new Set(names);
    const backups = names.flatMap((name) => {
      if (name.endsWith(".gz") && existing.has(name.slice(0, -".gz".length))) return [];
      const number = this.#numbered.exec(name)?.[1];
      if (number !== undefined) return [{ name, order: Number.NEGATIVE_INFINITY, number: Number(number) }];
      const timed = this.#timed.parse(name);
      return timed === undefined ? [] : [{ name, order: timed.timeMs, number: 0 }];
    });
    return backups
      .sort((a, b) => (a.order === b.order ? b.number - a.number : a.order - b.order))
      .map(({ name }) => name);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The place of a file in a list; -1 if it is not there. */
export function indexOfFile(files: readonly ListedFile[], file: FileIdentity): number {
  return files.findIndex((listed) => isSameFile(listed, file));
}

/** Whether an error says that a file, or a folder of its path, does not exist. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function isSameList(one: readonly ListedFile[], other: readonly ListedFile[]): boolean {
  return (
    one.length === other.length &&
    one.every((file, index) => file.path === other[index]?.path && isSameFile(file, other[index]))
  );
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
