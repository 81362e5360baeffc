import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encodeExportLine } from "../../../src/observer/index.js";
import { BackupName } from "../../../src/source/export-file/backup-name.js";
import { flow } from "../../../src/testing/index.js";

/** How backups are named: Hubble's exporter, or logrotate. */
export type Scheme = "timed" | "numbered";

/** An export line of a flow, which has its number as UUID. */
export function lineOf(number: number | string): string {
  return encodeExportLine(flow({ uuid: String(number) }));
}

/** Writes and rotates an export file as other programs do. */
export class ExportWriter {
  readonly path: string;
  readonly #folder: string;
  readonly #scheme: Scheme;
  readonly #backups: BackupName;
  #timeMs = 0;

  constructor(folder: string, scheme: Scheme = "timed") {
    this.#folder = folder;
    this.#scheme = scheme;
    this.path = join(folder, "events.log");
    this.#backups = new BackupName(this.path);
  }

  append(...numbers: readonly (number | string)[]): void {
    this.appendText(numbers.map((number) => `${lineOf(number)}\n`).join(""));
  }

  appendText(text: string): void {
    appendFileSync(this.path, text);
  }

  /** Renames the file to a backup, and creates a new one. */
  rotate(): void {
    renameSync(this.path, this.#nextBackup());
    writeFileSync(this.path, "");
  }

  /** Copies the file to a backup, and truncates it. */
  copyAndTruncate(): void {
    copyFileSync(this.path, this.#nextBackup());
    truncateSync(this.path);
  }

  /** Compresses all backups. */
  compress(): void {
    for (const path of this.backups) {
      if (path.endsWith(".gz")) continue;
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
      rmSync(path);
    }
  }

  removeOldest(): void {
    const [oldest] = this.backups;
    if (oldest !== undefined) rmSync(oldest);
  }

  /** The paths of the backups, the oldest first. */
  get backups(): string[] {
    const names = readdirSync(this.#folder).filter((name) => name !== "events.log");
    const numberOf = (name: string) => Number(/\.(\d+)(\.gz)?$/.exec(name)?.[1]);
    names.sort((a, b) => (this.#scheme === "numbered" ? numberOf(b) - numberOf(a) : a.localeCompare(b)));
    return names.map((name) => join(this.#folder, name));
  }

  #nextBackup(): string {
    if (this.#scheme === "timed") return this.#backups.pathAt(this.#timeMs++);
    for (let number = this.backups.length; number > 0; number--) {
      for (const extension of ["", ".gz"]) {
        const from = `${this.path}.${number}${extension}`;
        if (existsSync(from)) renameSync(from, `${this.path}.${number + 1}${extension}`);
      }
    }
    return `${this.path}.1`;
  }
}
