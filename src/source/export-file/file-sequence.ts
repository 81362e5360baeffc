import { OpenError } from "../../errors/errors.js";
import { ExportError } from "../../observer/export/error.js";
import { isSameFile } from "../file-identity.js";
import { type FileList, indexOfFile, isMissing, type ListedFile } from "./file-list.js";
import { type Fingerprint, fingerprintOf, isLike } from "./fingerprint.js";
import { OpenedFile } from "./opened-file.js";
import type { FilePosition } from "./position.js";

/** A file to be read from its current offset on. */
export interface SequenceFile {
  readonly file: OpenedFile;
  /** The file before it; undefined if none is known. */
  readonly previous: Fingerprint | undefined;
  /** Whether events between what was read before and this file may be missing. */
  readonly hasGap: boolean;
}

/** The files changed while they were examined. */
const CHANGED = Symbol("changed");
type Changed = typeof CHANGED;

/** Finds the files of an export in the order in which they were written, while they are renamed, compressed and removed. */
export class FileSequence {
  readonly #list: FileList;
  readonly #signal: AbortSignal;

  constructor(list: FileList, signal: AbortSignal) {
    this.#list = list;
    this.#signal = signal;
  }

  /** Opens the oldest file; undefined if there is none. All methods throw OpenError if a file cannot be read. */
  openOldest(): Promise<SequenceFile | undefined> {
    return this.#retry((files) => this.#openAt(files, 0, undefined));
  }

  /** Opens the newest file that has lines, after them. If none has lines, opens the oldest; undefined if there is none. */
  openNewest(): Promise<SequenceFile | undefined> {
    return this.#retry(async (files) => {
      for (let index = files.length - 1; index >= 0; index--) {
        const previous = await this.#fingerprintAt(files, index - 1);
        if (previous === CHANGED) return CHANGED;
        const opened = await this.#openAt(files, index, previous);
        if (opened === CHANGED || opened === undefined) return CHANGED;
        await this.#orClose(opened.file, () => opened.file.skipLines(this.#signal));
        if (opened.file.head.length > 0) return opened;
        await opened.file.close();
      }
      return await this.#openAt(files, 0, undefined);
    });
  }

  /** Opens the file of a position there. If it is gone, opens what comes after it; undefined if nothing does yet. */
  openPosition({ fingerprint, offset, previous }: FilePosition): Promise<SequenceFile | undefined> {
    return this.#retry(async (files) => {
      const index = await this.#find(files, fingerprint, offset);
      if (index === CHANGED) return CHANGED;
      if (index === -1) return await this.#openSuccessor(files, previous, () => fingerprint.bytes > 0);
      return await this.#openFrom(files, index, offset, previous);
    });
  }

  /** Opens the file after one that was read to its end; undefined if it is the last one. */
  openNext({ file, previous }: SequenceFile): Promise<SequenceFile | undefined> {
    return this.#retry(async (files) => {
      const mark = fingerprintOf(file.head);
      const known = indexOfFile(files, file);
      const index = known === -1 ? await this.#find(files, mark, file.offset) : known;
      if (index === CHANGED) return CHANGED;
      if (index !== -1) return await this.#openAt(files, index + 1, mark.bytes > 0 ? mark : previous);
      // It was read to its end, so that nothing is missing if the file after the previous one is known. A file that is
      // replaced without a backup leaves open what came between.
      const mayMiss = this.#list.hasBackups && (mark.bytes > 0 || previous !== undefined);
      return await this.#openSuccessor(files, previous, (isFound) => !isFound && mayMiss);
    });
  }

  /** Opens the copy of a file that was truncated, where reading must go on; without a copy, what comes after it. */
  openTruncated({ file, previous }: SequenceFile, offset: number): Promise<SequenceFile | undefined> {
    return this.#retry(async (files) => {
      const mark = fingerprintOf(file.head);
      const index = await this.#find(files, mark, offset);
      if (index === CHANGED) return CHANGED;
      if (index === -1) return await this.#openSuccessor(files, previous, () => true);
      return await this.#openFrom(files, index, offset, previous);
    });
  }

  /** Opens what comes after a file that is gone: the file after the previous one, or the oldest. */
  async #openSuccessor(
    files: readonly ListedFile[],
    previous: Fingerprint | undefined,
    hasGap: (isPreviousFound: boolean) => boolean,
  ): Promise<SequenceFile | undefined | Changed> {
    const before = previous === undefined ? -1 : await this.#find(files, previous, 0);
    if (before === CHANGED) return CHANGED;
    const opened = await this.#openAt(files, before + 1, before === -1 ? undefined : previous);
    return opened === CHANGED || opened === undefined ? opened : { ...opened, hasGap: hasGap(before !== -1) };
  }

  async #openFrom(
    files: readonly ListedFile[],
    index: number,
    offset: number,
    previous: Fingerprint | undefined,
  ): Promise<SequenceFile | undefined | Changed> {
    const opened = await this.#openAt(files, index, previous);
    if (opened === CHANGED || opened === undefined) return CHANGED;
    const isWhole = await this.#orClose(opened.file, () => opened.file.skipTo(offset, this.#signal));
    return { ...opened, hasGap: !isWhole };
  }

  async #openAt(
    files: readonly ListedFile[],
    index: number,
    previous: Fingerprint | undefined,
  ): Promise<SequenceFile | undefined | Changed> {
    const listed = files[index];
    if (listed === undefined) return undefined;
    const file = await this.#open(listed);
    return file === CHANGED ? CHANGED : { file, previous, hasGap: false };
  }

  /**
   * The index of the file with a fingerprint; -1 if it is gone. Of several, the oldest that is long enough: lines are
   * rather read twice than left out.
   */
  async #find(
    files: readonly ListedFile[],
    fingerprint: Fingerprint,
    offset: number,
  ): Promise<number | Changed> {
    if (fingerprint.bytes === 0) return -1;
    let short = -1;
    for (const [index, listed] of files.entries()) {
      const file = await this.#open(listed);
      if (file === CHANGED) return CHANGED;
      try {
        if (!isLike(await headOf(file, fingerprint.bytes), fingerprint)) continue;
        if (await file.reaches(offset)) return index;
        short = index;
      } finally {
        await file.close();
      }
    }
    return short;
  }

  /** Undefined if there is no such file, or if it is empty. */
  async #fingerprintAt(
    files: readonly ListedFile[],
    index: number,
  ): Promise<Fingerprint | undefined | Changed> {
    const listed = files[index];
    if (listed === undefined) return undefined;
    const file = await this.#open(listed);
    if (file === CHANGED) return CHANGED;
    try {
      const fingerprint = fingerprintOf(await headOf(file));
      return fingerprint.bytes === 0 ? undefined : fingerprint;
    } finally {
      await file.close();
    }
  }

  async #open(listed: ListedFile): Promise<OpenedFile | Changed> {
    this.#signal.throwIfAborted();
    let file: OpenedFile;
    try {
      file = await OpenedFile.open(listed.path);
    } catch (error) {
      if (isMissing(error)) return CHANGED;
      throw new OpenError(listed.path, error);
    }
    if (isSameFile(file, listed)) return file;
    await file.close();
    return CHANGED;
  }

  async #orClose<T>(file: OpenedFile, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      // The next read reports the damage.
      if (error instanceof ExportError) return undefined;
      await file.close();
      throw error;
    }
  }

  async #retry(
    work: (files: readonly ListedFile[]) => Promise<SequenceFile | undefined | Changed>,
  ): Promise<SequenceFile | undefined> {
    for (;;) {
      const result = await work(await this.#list.read());
      if (result !== CHANGED) return result;
    }
  }
}

/** The first bytes of a file; of a damaged one those before the damage. */
async function headOf(file: OpenedFile, bytes?: number): Promise<Uint8Array> {
  try {
    return await file.readHead(bytes);
  } catch (error) {
    if (error instanceof ExportError) return file.head;
    throw error;
  }
}
