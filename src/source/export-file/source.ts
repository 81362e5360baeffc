import { resolve } from "node:path";
import { sleep } from "../../async/abort.js";
import { systemClock } from "../../async/clock.js";
import { FlowscribeError, OpenError } from "../../errors/errors.js";
import { defaultRegistry } from "../../message/json/registry.js";
import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import type { JsonValue, ReadOptions } from "../../observer/events/event-source.js";
import { ExportError } from "../../observer/export/error.js";
import { MAX_LINE_BYTES } from "../../observer/export/read-export.js";
import { endOfFile, POLL_MS } from "../followed-file.js";
import { FileList } from "./file-list.js";
import { FileSequence, type SequenceFile } from "./file-sequence.js";
import { FINGERPRINT_BYTES, fingerprintOf } from "./fingerprint.js";
import { LineDecoder } from "./line-decoder.js";
import { OpenedFile } from "./opened-file.js";
import type {
  ExportFileReport,
  ExportFileSource,
  ExportFileSourceOptions,
  ExportFileSourceStats,
} from "./options.js";
import { type FilePosition, positionFromJson, positionToJson } from "./position.js";

/** Size of the buffer that bytes are read into. A batch has the events of the lines that end in it. */
const READ_BYTES = 256 * 1024;

const NOTHING_READ: FilePosition = { fingerprint: fingerprintOf(new Uint8Array(0)), offset: 0 };

type Batches<R> = AsyncGenerator<EncodedEvent[], R, undefined>;

/** How the reading of a file ended. */
type Ending = "ended" | "truncated" | ExportError;

export class FileSource implements ExportFileSource {
  readonly #path: string;
  readonly #options: ExportFileSourceOptions;
  readonly #stats = { events: 0, bytes: 0, badLines: 0, files: 0, damagedFiles: 0, gaps: 0 };
  readonly #buffer = new Uint8Array(READ_BYTES);
  #isRead = false;
  #acknowledged = NOTHING_READ;
  /** The positions after the batches that were yielded and not acknowledged. */
  readonly #yielded: FilePosition[] = [];
  /** The last reason to wait that was reported. */
  #waitsFor = "";

  constructor(path: string, options: ExportFileSourceOptions) {
    this.#path = resolve(path);
    this.#options = options;
  }

  get stats(): ExportFileSourceStats {
    return { ...this.#stats };
  }

  acknowledge(): void {
    this.#acknowledged = this.#yielded.shift() ?? this.#acknowledged;
  }

  position(): JsonValue {
    return positionToJson(this.#acknowledged);
  }

  async *read({ position, signal }: ReadOptions): Batches<void> {
    if (this.#isRead) {
      throw new FlowscribeError("source_consumed", "a source of export files can be read only once");
    }
    this.#isRead = true;
    const resumed = position === undefined ? undefined : positionFromJson(this.#path, position);
    const sequence = new FileSequence(new FileList(this.#path, this.#options.backups ?? true), signal);
    if (resumed !== undefined) this.#acknowledged = resumed;
    let current = await this.#openFirst(sequence, resumed, signal);
    try {
      if (resumed === undefined && this.#options.from === "end") {
        // So that a checkpoint remembers the start before there are events.
        yield this.#batch(current, current.file.offset, []);
      }
      for (;;) {
        const next: SequenceFile | undefined = yield* this.#readFile(current, sequence, signal);
        if (next === undefined) return;
        await current.file.close();
        current = next;
      }
    } finally {
      await current.file.close();
    }
  }

  async #openFirst(
    sequence: FileSequence,
    resumed: FilePosition | undefined,
    signal: AbortSignal,
  ): Promise<SequenceFile> {
    for (;;) {
      let opened: SequenceFile | undefined;
      if (resumed !== undefined) opened = await sequence.openPosition(resumed);
      else if (this.#options.from === "end") opened = await sequence.openNewest();
      else opened = await sequence.openOldest();
      if (opened !== undefined) return this.#begin(opened);
      const error = await openFault(this.#path);
      // Undefined if it has appeared in the meantime.
      if (error === undefined) continue;
      if (this.#options.follow !== true) throw error;
      this.#reportWaiting(error);
      await this.#wait(signal);
    }
  }

  /** Reads a file to its end. Returns the next one; undefined if the source has ended. */
  async *#readFile(
    current: SequenceFile,
    sequence: FileSequence,
    signal: AbortSignal,
  ): Batches<SequenceFile | undefined> {
    const { file } = current;
    const decoder = this.#createDecoder(file);
    const ending = yield* this.#readToEnd(current, decoder, signal);
    if (ending === "truncated") {
      this.#report({ kind: "truncated", path: file.path, offset: file.offset });
      return await this.#openNext(() => sequence.openTruncated(current, decoder.resumeAt), signal);
    }
    const before = decoder.resumeAt;
    decoder.finish();
    yield* this.#batches(current, decoder, before);
    if (ending instanceof ExportError) {
      this.#stats.damagedFiles++;
      this.#report({ kind: "damaged", path: file.path, error: ending });
    }
    const next = await this.#openNext(() => sequence.openNext(current), signal);
    if (next === undefined && ending instanceof ExportError) throw ending;
    return next;
  }

  async *#readToEnd(current: SequenceFile, decoder: LineDecoder, signal: AbortSignal): Batches<Ending> {
    const { file } = current;
    let isLast = this.#options.follow !== true;
    let wasAtPath = false;
    for (;;) {
      signal.throwIfAborted();
      let length: number | "truncated";
      try {
        length = await readFrom(file, this.#buffer);
      } catch (error) {
        if (error instanceof ExportError) return error;
        throw error;
      }
      if (length === "truncated") return length;
      if (length > 0) {
        this.#stats.bytes += length;
        const before = decoder.resumeAt;
        decoder.add(this.#buffer.subarray(0, length));
        yield* this.#batches(current, decoder, before);
        continue;
      }
      if (isLast) return "ended";
      // After a replacement, reads once more what was added before it, or soon after by a program that had the file open.
      isLast = (await endOfFile(this.#path, file.handle, 0)) === "replaced";
      if (!isLast) wasAtPath = true;
      if (wasAtPath) await this.#wait(signal);
    }
  }

  /** Undefined if there is no next file, and none is waited for. */
  async #openNext(
    open: () => Promise<SequenceFile | undefined>,
    signal: AbortSignal,
  ): Promise<SequenceFile | undefined> {
    for (;;) {
      try {
        const opened = await open();
        if (opened !== undefined) return this.#begin(opened);
        if (this.#options.follow !== true) return undefined;
      } catch (error) {
        if (!(error instanceof OpenError) || this.#options.follow !== true) throw error;
        this.#reportWaiting(error);
      }
      await this.#wait(signal);
    }
  }

  #begin(opened: SequenceFile): SequenceFile {
    this.#stats.files++;
    this.#waitsFor = "";
    if (opened.hasGap) {
      this.#stats.gaps++;
      this.#report({ kind: "gap", path: opened.file.path });
    }
    return opened;
  }

  #createDecoder(file: OpenedFile): LineDecoder {
    const { maxLineBytes = MAX_LINE_BYTES, registry = defaultRegistry() } = this.#options;
    return new LineDecoder({
      maxLineBytes,
      registry,
      offset: file.offset,
      onBadLine: (message, offset) => {
        this.#stats.badLines++;
        this.#report({ kind: "bad_line", path: file.path, offset, message });
      },
    });
  }

  *#batches(current: SequenceFile, decoder: LineDecoder, before: number): Generator<EncodedEvent[], void> {
    const events = decoder.takeEvents();
    if (events.length > 0 || decoder.resumeAt > before) {
      yield this.#batch(current, decoder.resumeAt, events);
    }
  }

  #batch({ file, previous }: SequenceFile, offset: number, events: EncodedEvent[]): EncodedEvent[] {
    // What follows the acknowledged lines may change when the writer is restarted.
    const bytes = offset > 0 ? Math.min(offset, FINGERPRINT_BYTES) : FINGERPRINT_BYTES;
    this.#yielded.push({ fingerprint: fingerprintOf(file.head.subarray(0, bytes)), offset, previous });
    this.#stats.events += events.length;
    return events;
  }

  #reportWaiting(error: OpenError): void {
    if (error.message === this.#waitsFor) return;
    this.#waitsFor = error.message;
    this.#report({ kind: "waiting", path: error.path, error });
  }

  #report(report: ExportFileReport): void {
    this.#options.onReport?.(report);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    await sleep(POLL_MS, this.#options.clock ?? systemClock, signal);
    signal.throwIfAborted();
  }
}

/** Why the file at a path cannot be opened; undefined if it can. */
async function openFault(path: string): Promise<OpenError | undefined> {
  try {
    await (await OpenedFile.open(path)).close();
    return undefined;
  } catch (error) {
    return new OpenError(path, error);
  }
}

/** @throws ExportError; OpenError if the system cannot read the file. */
async function readFrom(file: OpenedFile, buffer: Uint8Array): Promise<number | "truncated"> {
  try {
    return await file.readInto(buffer);
  } catch (error) {
    throw error instanceof ExportError ? error : new OpenError(file.path, error);
  }
}
