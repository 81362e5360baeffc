import { basename, dirname, join } from "node:path";

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2})-(\d{2})-(\d{2})\.(\d{3})$/;
const GZIP = ".gz";

/** A backup in the folder of its file. */
export interface Backup {
  readonly name: string;
  /** Milliseconds since 1970, of the name. */
  readonly timeMs: number;
  readonly compressed: boolean;
}

/** The names that lumberjack gives to backups of a file: `hubble-2006-01-02T15-04-05.000.log`, and `.gz` behind it. */
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

  /** Undefined for the name of anything else. */
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
