import {
  type BigIntStats,
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "../../async/clock.js";
import type { OptionTable } from "../../errors/check-options.js";
import type { FlowscribeError } from "../../errors/errors.js";
import { codeOf, withoutPath } from "../../errors/message.js";
import { aBoolean, aFunction, aNumberFrom, aPositiveNumber } from "../../errors/value-checks.js";
import { BackupName } from "../../source/export-file/backup-name.js";
import { isSameFile, statDescriptor, statPath } from "../../source/file-identity.js";
import { createToAppend, openToAppend, syncFolder } from "./append-file.js";
import { tidyBackups } from "./backups.js";
import { type LineOutput, outputFailed } from "./line-output.js";

/** When to rotate a file, and how to treat backups. The defaults are Hubble's. */
export interface RotationOptions {
  /** Maximum size of a file in bytes, unless a single line is longer; 10 MiB by default (Hubble's "10 MB"). */
  readonly maxFileBytes?: number;
  /** Number of backups to keep, the newest; 5 by default, 0 for all. */
  readonly maxBackups?: number;
  /** Whether to compress backups with gzip; false by default. */
  readonly compress?: boolean;
  /** Called if backups cannot be listed, removed or compressed. The export continues. */
  readonly onBackupError?: (error: FlowscribeError) => void;
}

export const ROTATION_OPTIONS: OptionTable<RotationOptions> = {
  maxFileBytes: aPositiveNumber,
  maxBackups: aNumberFrom(0),
  compress: aBoolean,
  onBackupError: aFunction,
};

/** As Hubble (lumberjack): folders are readable by everyone. */
const FOLDER_MODE = 0o755;
/** Buffered lines are written at the end of the event loop turn, or as soon as they reach this size. */
const BUFFER_BYTES = 64 * 1024;
/** If a backup of that name exists, the next millisecond is tried, at most this often. */
const MAX_NAME_TRIES = 10_000;
const LF = 0x0a;

/** A {@link LineOutput} that can make sure that what was written survives a crash of the machine. */
export interface DurableLineOutput extends LineOutput {
  /**
   * Resolves when every accepted line is on the disk. Rejects if that is not certain: the lines since the last time then
   * must be written again.
   */
  sync(): Promise<void>;
}

const syncData = promisify(fdatasync);

/**
 * A line file with rotation as in Hubble's lumberjack: before the file would exceed its size limit, it is renamed to
 * `<name>-<UTC time><extension>` and a new one is created. An existing file is appended to. An existing backup is never
 * overwritten.
 *
 * Each write goes to the file that is at the path at that time. If another program has renamed, removed or replaced it,
 * the path is opened again. This costs a stat(2) per write, not per line.
 *
 * @throws The system's error if the file cannot be opened.
 */
export function openRotatingFile(
  path: string,
  options: RotationOptions,
  clock: Pick<Clock, "now">,
): DurableLineOutput {
  return new RotatingFile(resolve(path), options, clock);
}

class RotatingFile implements DurableLineOutput {
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
  /** Size of the file, as of the last write. */
  #fileBytes: number;
  /** True until the first line is written to an existing file. */
  #continued = true;
  /** Lines that are to be written, with their line feeds. */
  #waiting = Buffer.allocUnsafe(2 * BUFFER_BYTES);
  #waitingBytes = 0;
  #waitingLines = 0;
  #flush: NodeJS.Immediate | undefined;
  /** Error of a deferred write; the next call throws it. */
  #failure: FlowscribeError | undefined;
  #tidying: Promise<void> | undefined;
  #tidyAgain = false;
  /** Whether a file that is left must be on the disk: from the first {@link sync} on. */
  #isDurable = false;
  /** Whether the name of the file may not be on the disk yet. */
  #isNew = true;
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

  write(line: string | Uint8Array): void {
    this.#throwFailure();
    const bytes = Buffer.byteLength(line) + 1;
    if (!this.#fits(bytes)) this.#rotate(bytes);
    this.#continued = false;
    this.#append(line, bytes);
    this.#waitingLines++;
    this.bytes += bytes;
    // Defer the error to the next call: a line for which `write` throws counts as not accepted.
    if (this.#waitingBytes >= BUFFER_BYTES) this.#writeLater();
    else this.#flush ??= setImmediate(() => this.#writeLater());
  }

  /** @param bytes The length of the line with its line feed. */
  #append(line: string | Uint8Array, bytes: number): void {
    const end = this.#waitingBytes + bytes;
    if (end > this.#waiting.length) {
      const larger = Buffer.allocUnsafe(end);
      this.#waiting.copy(larger, 0, 0, this.#waitingBytes);
      this.#waiting = larger;
    }
    if (typeof line === "string") this.#waiting.write(line, this.#waitingBytes);
    else this.#waiting.set(line, this.#waitingBytes);
    this.#waiting[end - 1] = LF;
    this.#waitingBytes = end;
  }

  async sync(): Promise<void> {
    this.#isDurable = true;
    this.#throwFailure();
    this.#writeWaiting();
    if (!this.#isRegular) return;
    try {
      await syncData(this.#descriptor);
      if (this.#isNew) syncFolder(this.#path);
      this.#isNew = false;
    } catch (error) {
      throw outputFailed(`sync ${this.#path}`, error);
    }
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

  /** Whether this many more bytes fit into the file. */
  #fits(bytes: number): boolean {
    const after = this.#fileBytes + this.#waitingBytes + bytes;
    // An existing file must stay below the limit, a new one may reach it (lumberjack.go: openExistingOrNew, Write).
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
      // `#writeWaiting` throws only FlowscribeError.
      this.#failure = error as FlowscribeError;
    }
  }

  #writeWaiting(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.#waitingLines === 0) return;
    const chunk = this.#waiting.subarray(0, this.#waitingBytes);
    const lines = this.#waitingLines;
    // A long line does not enlarge the buffer for ever.
    if (this.#waiting.length > 2 * BUFFER_BYTES) this.#waiting = Buffer.allocUnsafe(2 * BUFFER_BYTES);
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

  /** Truncates the file to whole lines after a failed write. */
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

  /** Renames the file to a backup and creates a new one, unless the file turns out to have space. */
  #rotate(bytes: number): void {
    this.#writeWaiting();
    this.#followPath();
    if (this.#fileBytes === 0 || !this.#isRegular || this.#fits(bytes)) return;
    try {
      renameSync(this.#path, this.#freeBackupPath());
    } catch (error) {
      // Another program has already moved or removed the file.
      if (codeOf(error) !== "ENOENT") throw outputFailed(`rotate ${this.#path}`, error);
    }
    this.#reopen();
    this.rotations++;
    this.#tidy();
  }

  /**
   * Detects changes to the file by other programs since the last write. If the path no longer leads to the open file,
   * opens the path again. If the size has changed (logrotate's `copytruncate`), uses the new size.
   */
  #followPath(): void {
    if (!this.#isRegular) return;
    let found: BigIntStats | undefined;
    try {
      found = statPath(this.#path);
    } catch {
      // Unknown, for example because the process has dropped its privileges. Continue with the open file.
      return;
    }
    if (found !== undefined && isSameFile(this.#stats, found)) {
      this.#stats = found;
      this.#fileBytes = Number(found.size);
    } else {
      this.#reopen();
    }
  }

  /** Opens the file at the path. Creates it if necessary, with the permissions of the previous file. */
  #reopen(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: FOLDER_MODE });
      const descriptor = createToAppend(this.#path, Number(this.#stats.mode));
      const stats = statDescriptor(descriptor);
      if (!stats.isFile()) {
        closeSync(descriptor);
        throw new Error("it is not a regular file any more");
      }
      if (this.#isDurable) fdatasyncSync(this.#descriptor);
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
      this.#isNew = true;
      this.#stats = stats;
      this.#fileBytes = Number(this.#stats.size);
      this.#continued = this.#fileBytes > 0;
    } catch (error) {
      throw outputFailed(`reopen ${this.#path}`, error);
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

  /** Runs in the background, one run at a time. */
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
