import type { Registry } from "@bufbuild/protobuf";
import { messageOf } from "../../errors/message.js";
import { type EncodedEvent, encodeEvent } from "../../observer/events/encoded-event.js";
import { type LineFault, LineSplitter } from "../../observer/export/lines.js";
import { ExportReader } from "../../observer/export/reader.js";

const LF = 0x0a;

export interface LineDecoderOptions {
  readonly maxLineBytes: number;
  readonly registry: Registry;
  /** Where the first line begins. */
  readonly offset: number;
  /** @param offset Where the line begins. */
  readonly onBadLine: (message: string, offset: number) => void;
}

/**
 * Decodes the lines of an export file, and knows from where on they must be read again. Buffers one incomplete line, and the
 * parts of lines and documents that {@link ExportReader} buffers.
 */
export class LineDecoder {
  readonly #options: LineDecoderOptions;
  readonly #splitter: LineSplitter;
  readonly #reader: ExportReader;
  #events: EncodedEvent[] = [];
  /** Number of the current line, from 1, as the reader counts. */
  #line = 0;
  /** Where the current line begins. */
  #lineStart: number;
  /** Where the chunks so far end. */
  #end: number;
  #resumeAt: number;
  #badLines = 0;

  constructor(options: LineDecoderOptions) {
    const { maxLineBytes, registry, offset } = options;
    this.#options = options;
    this.#lineStart = offset;
    this.#end = offset;
    this.#resumeAt = offset;
    this.#splitter = new LineSplitter(maxLineBytes);
    this.#reader = new ExportReader({
      maxLength: maxLineBytes,
      registry,
      onEvent: ({ event }, line) => {
        try {
          this.#events.push(encodeEvent(event));
        } catch (error) {
          this.#fail(messageOf(error), line);
        }
      },
      onBadLine: (message, line) => this.#fail(message, line),
    });
  }

  /** The start of the first line that is not, or only in part, among the events so far. */
  get resumeAt(): number {
    return this.#resumeAt;
  }

  /** Decodes the lines that end in a chunk. The chunk can be reused afterwards. */
  add(chunk: Uint8Array): void {
    const start = this.#end;
    let at = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, at)) {
      // One line at a time, so that a fault can be located.
      this.#split(chunk.subarray(at, end + 1));
      at = end + 1;
      this.#lineStart = start + at;
      if (!this.#reader.isWaiting) this.#resumeAt = this.#lineStart;
    }
    if (at < chunk.length) this.#split(chunk.subarray(at));
    this.#end = start + chunk.length;
  }

  /**
   * Decodes a last line without a line feed, and what was waiting for more lines. What of that is not an event is not passed
   * by {@link resumeAt}: the program that writes the file may not have finished it.
   */
  finish(): void {
    const badLines = this.#badLines;
    this.#read(this.#splitter.end());
    this.#reader.end();
    if (this.#badLines === badLines) this.#resumeAt = this.#end;
  }

  /** Returns the events since the last call. */
  takeEvents(): EncodedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #split(bytes: Uint8Array): void {
    for (const lines of this.#splitter.split(bytes)) this.#read(lines);
  }

  #read(lines: readonly (string | LineFault)[]): void {
    for (const line of lines) {
      this.#line++;
      this.#reader.read(line);
    }
  }

  #fail(message: string, line: number): void {
    this.#badLines++;
    // An earlier line has begun what is waiting.
    this.#options.onBadLine(message, line === this.#line ? this.#lineStart : this.#resumeAt);
  }
}
