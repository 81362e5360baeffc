import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import type { Clock } from "../async/clock.js";
import type { OptionTable } from "../errors/check-options.js";
import type { FlowscribeError } from "../errors/errors.js";
import { codeOf, withoutPath } from "../errors/message.js";
import { aBoolean, aFunction, aNumberFrom, aPositiveNumber } from "../errors/value-checks.js";
import { BackupName } from "./export-backup-name.js";
import { tidyBackups } from "./export-backups.js";
import { type LineOutput, outputFailed } from "./export-output.js";
import { isSameFile, statDescriptor, statPath } from "./file-identity.js";

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

export const ROTATION_OPTIONS: OptionTable<RotationOptions> = {
  maxFileBytes: aPositiveNumber,
  maxBackups: aNumberFrom(0),
  compress: aBoolean,
  onBackupError: aFunction,
};

/** As Hubble's (lumberjack): owner only, and a folder that others may enter. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o755;
const PERMISSIONS = 0o7777;
/**
 * O_APPEND, so that writes follow the end of the file when another program truncates it. O_NONBLOCK, so that opening a
 * pipe that nobody reads fails instead of blocking the process; regular files ignore it.
 */
const OPEN_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;
/** Lines that wait for the end of this turn of the event loop. */
const BUFFER_BYTES = 64 * 1024;
/** Backups made within one millisecond get the times after it; no more of them are looked for than this. */
const MAX_NAME_TRIES = 10_000;
const LF = 0x0a;

/**
 * A file of lines that is renamed to `<name>-<UTC time><extension>` and begun anew before it would grow too large, as
 * Hubble's lumberjack does. An existing file is continued, an existing backup never overwritten.
 *
 * Each write goes to the file that is at the path at that time: if another program has renamed, removed or replaced it,
 * the path is opened again. That costs a stat(2) per write, not per line.
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
  /** Of the file, as of the last write. */
  #stats: BigIntStats;
  /** Devices and pipes are neither renamed nor reopened. */
  readonly #isRegular: boolean;
  /** Bytes in the file, as of the last write. */
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
    this.#path = path;
    this.#backup = new BackupName(path);
    this.#clock = clock;
    this.#maxFileBytes = maxFileBytes;
    this.#maxBackups = maxBackups;
    this.#compress = compress;
    this.#onBackupError = onBackupError;
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    this.#descriptor = openToAppend(path);
    this.#stats = statDescriptor(this.#descriptor);
    this.#isRegular = this.#stats.isFile();
    this.#fileBytes = Number(this.#stats.size);
    if (this.#isRegular) this.#tidy();
  }

  write(line: string): void {
    this.#throwFailure();
    const bytes = Buffer.byteLength(line) + 1;
    if (!this.#fits(bytes)) this.#rotate(bytes);
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

  /** Whether the file stays small enough with so many bytes more. */
  #fits(bytes: number): boolean {
    const after = this.#fileBytes + this.#waitingBytes + bytes;
    // An existing file has to stay below the limit, one of our own may reach it (lumberjack.go: openExistingOrNew, Write).
    return after < this.#maxFileBytes || (after === this.#maxFileBytes && !this.#continued);
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
    if (this.#waitingLines === 0) return;
    const chunk = Buffer.from(this.#waiting);
    const lines = this.#waitingLines;
    this.#waiting = "";
    this.#waitingBytes = 0;
    this.#waitingLines = 0;
    let written = 0;
    try {
      this.#followPath();
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
    let state = lost === 1 ? "1 line is lost" : `${lost} lines are lost`;
    try {
      if (written > whole) ftruncateSync(this.#descriptor, this.#fileBytes);
    } catch (error) {
      state += `, and cutting the file back to its last whole line failed as well: ${withoutPath(error)}`;
    }
    return outputFailed(`write ${this.#path} (${state})`, cause);
  }

  /** Makes the file a backup and begins a new one, unless so many bytes fit after all. */
  #rotate(bytes: number): void {
    this.#writeWaiting();
    this.#followPath();
    if (this.#fileBytes === 0 || !this.#isRegular || this.#fits(bytes)) return;
    try {
      renameSync(this.#path, this.#freeBackupPath());
    } catch (error) {
      // Another program was faster: there is nothing to keep.
      if (codeOf(error) !== "ENOENT") throw outputFailed(`rotate ${this.#path}`, error);
    }
    this.#reopen();
    this.rotations++;
    this.#tidy();
  }

  /**
   * Sees what other programs have done to the file since the last write. If the path does not lead to it any more, opens
   * the path again; if its size has changed (logrotate's `copytruncate`), goes by the new one.
   */
  #followPath(): void {
    if (!this.#isRegular) return;
    let found: BigIntStats | undefined;
    try {
      found = statPath(this.#path);
    } catch {
      // It cannot be found out, for example because the process has given up its permissions: the open file remains valid.
      return;
    }
    if (found !== undefined && isSameFile(this.#stats, found)) {
      this.#stats = found;
      this.#fileBytes = Number(found.size);
    } else {
      this.#reopen();
    }
  }

  /** Continues in the file that is at the path; creates it if need be, with the permissions of the former one. */
  #reopen(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: FOLDER_MODE });
      const descriptor = this.#createOrOpen();
      const stats = statDescriptor(descriptor);
      if (!stats.isFile()) {
        closeSync(descriptor);
        throw new Error("it is not a regular file any more");
      }
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
      this.#stats = stats;
      this.#fileBytes = Number(this.#stats.size);
      this.#continued = this.#fileBytes > 0;
    } catch (error) {
      throw outputFailed(`reopen ${this.#path}`, error);
    }
  }

  #createOrOpen(): number {
    const permissions = Number(this.#stats.mode) & PERMISSIONS;
    let descriptor: number;
    try {
      descriptor = openSync(this.#path, OPEN_FLAGS | constants.O_EXCL, permissions);
    } catch (error) {
      // Another program has created it, with the permissions that it should have.
      if (codeOf(error) === "EEXIST") return openToAppend(this.#path);
      throw error;
    }
    try {
      // Whatever the umask of the process left out.
      fchmodSync(descriptor, permissions);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
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

/** @throws The system's error; ENXIO for a pipe that nobody reads. */
function openToAppend(path: string): number {
  const descriptor = openSync(path, OPEN_FLAGS, FILE_MODE);
  if (statDescriptor(descriptor).isFile()) return descriptor;
  // Pipes and devices need a descriptor whose writes wait.
  try {
    return openSync(path, "a");
  } finally {
    closeSync(descriptor);
  }
}
