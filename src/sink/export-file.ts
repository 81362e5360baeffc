import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf } from "../error-message.js";
import type { FlowscribeError } from "../errors.js";
import type { Clock } from "../recorder/clock.js";
import { BackupName } from "./export-backup-name.js";
import { tidyBackups } from "./export-backups.js";
import { type LineOutput, outputFailed } from "./export-output.js";

/** When a file becomes a backup, and what becomes of backups; the defaults are Hubble's. */
export interface RotationOptions {
  /** A file does not grow beyond this, unless a single line does; 10 MiB by default (Hubble's "10 MB"). */
  readonly maxFileBytes?: number;
  /** Backups that are kept, the newest; 5 by default, 0 for all of them. */
  readonly maxBackups?: number;
  /** Whether backups are compressed with gzip, off by default. */
  readonly compress?: boolean;
  /** Told when backups could not be removed or compressed, which the export itself survives. */
  readonly onBackupError?: (error: FlowscribeError) => void;
}

/** As Hubble's (lumberjack): owner only, and a folder that others may enter. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o755;
/** Lines that wait for the end of this turn of the event loop. */
const BUFFER_BYTES = 64 * 1024;
/** Backups made within one millisecond get the times after it; no more of them are looked for than this. */
const MAX_NAME_TRIES = 10_000;
const LF = 0x0a;

/**
 * A file of lines that is renamed to `<name>-<UTC time><extension>` and begun anew before it would grow too large, as
 * Hubble's lumberjack does. An existing file is continued, an existing backup never overwritten.
 */
export function openRotatingFile(
  path: string,
  options: RotationOptions,
  clock: Pick<Clock, "now">,
): LineOutput {
  return new RotatingFile(resolve(path), options, clock);
}

class RotatingFile implements LineOutput {
  readonly #path: string;
  readonly #backup: BackupName;
  readonly #clock: Pick<Clock, "now">;
  readonly #maxFileBytes: number;
  readonly #maxBackups: number;
  readonly #compress: boolean;
  readonly #onBackupError: ((error: FlowscribeError) => void) | undefined;
  #descriptor: number;
  /** Devices and pipes are not renamed. */
  readonly #rotates: boolean;
  /** Bytes in the file. */
  #fileBytes: number;
  /** Whether nothing has been written since an existing file was opened. */
  #continued = true;
  #waiting = "";
  #waitingBytes = 0;
  #waitingLines = 0;
  #flush: NodeJS.Immediate | undefined;
  /** Of a write that nobody was there to hear of. */
  #failure: FlowscribeError | undefined;
  #tidying: Promise<void> | undefined;
  #tidyAgain = false;
  lostLines = 0;
  rotations = 0;
  bytes = 0;

  constructor(
    path: string,
    { maxFileBytes = 10 * 1024 * 1024, maxBackups = 5, compress = false, onBackupError }: RotationOptions,
    clock: Pick<Clock, "now">,
  ) {
    if (!(maxFileBytes > 0)) throw new RangeError(`maxFileBytes must be above 0, not ${maxFileBytes}`);
    if (!(maxBackups >= 0)) throw new RangeError(`maxBackups must not be below 0, not ${maxBackups}`);
    this.#path = path;
    this.#backup = new BackupName(path);
    this.#clock = clock;
    this.#maxFileBytes = maxFileBytes;
    this.#maxBackups = maxBackups;
    this.#compress = compress;
    this.#onBackupError = onBackupError;
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    this.#descriptor = openSync(path, "a", FILE_MODE);
    const stats = fstatSync(this.#descriptor);
    this.#rotates = stats.isFile();
    this.#fileBytes = stats.size;
    if (this.#rotates) this.#tidy();
  }

  write(line: string): void {
    this.#throwFailure();
    const bytes = Buffer.byteLength(line) + 1;
    const after = this.#fileBytes + this.#waitingBytes + bytes;
    // An existing file has to stay below the limit, one of our own may reach it (lumberjack.go: openExistingOrNew, Write).
    if (after > this.#maxFileBytes || (this.#continued && after === this.#maxFileBytes)) this.#rotate();
    this.#continued = false;
    this.#waiting += `${line}\n`;
    this.#waitingBytes += bytes;
    this.#waitingLines++;
    this.bytes += bytes;
    // What this line is lost by is told by the next call: a line that `write` throws for counts as not taken.
    if (this.#waitingBytes >= BUFFER_BYTES) this.#writeLater();
    else this.#flush ??= setImmediate(() => this.#writeLater());
  }

  async close(): Promise<void> {
    try {
      this.#writeWaiting();
    } finally {
      closeSync(this.#descriptor);
      while (this.#tidying !== undefined) await this.#tidying;
    }
    this.#throwFailure();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #writeLater(): void {
    try {
      this.#writeWaiting();
    } catch (error) {
      // It throws nothing else.
      this.#failure = error as FlowscribeError;
    }
  }

  #writeWaiting(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    const chunk = Buffer.from(this.#waiting);
    const lines = this.#waitingLines;
    this.#waiting = "";
    this.#waitingBytes = 0;
    this.#waitingLines = 0;
    let written = 0;
    try {
      while (written < chunk.length) {
        written += writeSync(this.#descriptor, chunk, written, chunk.length - written);
      }
      this.#fileBytes += chunk.length;
    } catch (error) {
      throw this.#cutBack(chunk, written, lines, error);
    }
  }

  /** Leaves whole lines only of what a failing write has written. */
  #cutBack(chunk: Buffer, written: number, lines: number, cause: unknown): FlowscribeError {
    const whole = written === 0 ? 0 : chunk.lastIndexOf(LF, written - 1) + 1;
    const lost = lines - countLines(chunk.subarray(0, whole));
    this.lostLines += lost;
    this.bytes -= chunk.length - whole;
    this.#fileBytes += whole;
    let state = `${lost} lines are lost`;
    try {
      if (written > whole) ftruncateSync(this.#descriptor, this.#fileBytes);
    } catch (error) {
      state += `, and cutting the file back to its last whole line failed as well: ${messageOf(error)}`;
    }
    return outputFailed(`write ${this.#path} (${state})`, cause);
  }

  #rotate(): void {
    this.#writeWaiting();
    if (this.#fileBytes === 0 || !this.#rotates) return;
    const { mode } = fstatSync(this.#descriptor);
    try {
      renameSync(this.#path, this.#freeBackupPath());
    } catch (error) {
      // Somebody else has moved or removed it: there is nothing to keep.
      if (codeOf(error) !== "ENOENT") throw outputFailed(`rotate ${this.#path}`, error);
    }
    const old = this.#descriptor;
    try {
      this.#descriptor = openSync(this.#path, "ax", mode);
      // Whatever the process's umask leaves out.
      fchmodSync(this.#descriptor, mode);
    } catch (error) {
      throw outputFailed(`begin ${this.#path} anew`, error);
    }
    closeSync(old);
    this.#fileBytes = 0;
    this.rotations++;
    this.#tidy();
  }

  #freeBackupPath(): string {
    let timeMs = this.#clock.now();
    for (let tries = 1; tries < MAX_NAME_TRIES; tries++, timeMs++) {
      const path = this.#backup.pathAt(timeMs);
      if (!existsSync(path) && !existsSync(`${path}.gz`)) return path;
    }
    throw new Error(`no free name after ${this.#backup.pathAt(timeMs)}`);
  }

  /** In the background, one at a time. */
  #tidy(): void {
    if (this.#maxBackups === 0 && !this.#compress) return;
    this.#tidyAgain = true;
    this.#tidying ??= this.#tidyWhileNeeded();
  }

  async #tidyWhileNeeded(): Promise<void> {
    while (this.#tidyAgain) {
      this.#tidyAgain = false;
      for (const error of await tidyBackups(this.#backup, this.#maxBackups, this.#compress)) {
        this.#onBackupError?.(error);
      }
    }
    this.#tidying = undefined;
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
