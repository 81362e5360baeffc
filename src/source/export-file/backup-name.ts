import { basename, dirname, join } from "node:path";

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2})-(\d{2})-(\d{2})\.(\d{3})$/;
const GZIP = ".gz";

/** A backup in the same folder as its file. */
export interface Backup {
  readonly name: string;
  /** The time in its name, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly compressed: boolean;
}

/** Names of backups as lumberjack forms them: `hubble-2006-01-02T15-04-05.000.log`, plus `.gz` if compressed. */
export class BackupName {
  readonly folder: string;
  readonly #prefix: string;
  readonly #extension: string;

  constructor(path: string) {
    this.folder = dirname(path);
    const name = basename(path);
    const dot = name.lastIndexOf(".");
    this.#prefix = `${dot === -1 ? name : name.slice(0, dot)}-`;
    this.#extension = dot === -1 ? "" : name.slice(dot);
  }

  pathAt(timeMs: number): string {
    const time = new Date(timeMs).toISOString().slice(0, -1).replaceAll(":", "-");
    return join(this.folder, `${this.#prefix}${time}${this.#extension}`);
  }

  /** Returns undefined if the name is not that of a backup. */
  parse(name: string): Backup | undefined {
    if (!name.startsWith(this.#prefix)) return undefined;
    const compressed = name.endsWith(this.#extension + GZIP);
    const end = compressed ? this.#extension + GZIP : this.#extension;
    if (!name.endsWith(end)) return undefined;
    const parts = TIME.exec(name.slice(this.#prefix.length, name.length - end.length));
    if (parts === null) return undefined;
    const [, year, month, day, hour, minute, second, millisecond] = parts;
    const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}Z`);
    return Number.isNaN(timeMs) ? undefined : { name, timeMs, compressed };
  }
}
