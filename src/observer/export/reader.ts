import type { Registry } from "@bufbuild/protobuf";
import { messageOf } from "../../errors/message.js";
import { FlowSchema } from "../../gen/flow/flow_pb.js";
import { envelopeSchema, isBareFlow } from "../../message/json/envelope-schema.js";
import { JsonDocument } from "./document.js";
import { ENVELOPES, type EnvelopeContent, isJson } from "./envelopes.js";
import {
  EVENT_START,
  indentOf,
  isEvent,
  jsonFault,
  MAY_BE_OBJECT,
  parseJson,
  withoutComma,
} from "./event-text.js";
import type { LineFault } from "./lines.js";
import { type JoinedLine, type LinePart, PartJoiner } from "./parts.js";
import { type EventReading, readEvent } from "./read.js";

/** The maximum nesting of envelopes, such as a CRI line in a log record in a list. */
const MAX_ENVELOPES = 4;

/** Shorter pieces of a line are not read individually because a line may contain hundreds of thousands of them. */
const MIN_EVENT_LENGTH = '{"IP":{}}'.length;

const TOO_DEEP = `nested too deeply: more than ${MAX_ENVELOPES} envelopes or lists inside each other`;

const HOLE = "a hole of NUL bytes";

const NO_EVENT = "no event: neither flow, lost_events, node_status, agent_event nor debug_event";

export interface ExportReaderOptions {
  /** The maximum length of a line that is joined from several, in UTF-16 code units. */
  readonly maxLength: number;
  readonly registry: Registry;
  /** @param text The JSON of the event, without its envelopes. */
  readonly onEvent: (reading: EventReading, line: number, text: string) => void;
  /** Called once for each line that cannot be read, or can only be read in part. */
  readonly onBadLine: (message: string, line: number) => void;
}

/** A document that spans several lines. */
interface OpenDocument {
  readonly document: JsonDocument;
  readonly line: number;
  /** The line on which its current object begins. */
  objectLine: number;
  /** The indentation of that line. */
  objectIndent: number;
  /** Whether a line of that object could not be read and has been reported. */
  isLost: boolean;
  /** Lines of that object that may themselves be events. */
  lines: { readonly text: string; readonly line: number }[];
}

/** The result of reading the envelopes of a line. */
interface EnvelopeReading {
  /** False if all envelopes are empty or their content cannot be read. */
  readonly isRead: boolean;
  readonly fault: string | undefined;
}

/**
 * Reads lines, each normally an event. Envelopes, parts of lines and documents that span several lines are only
 * considered if a line does not begin like an event.
 */
export class ExportReader {
  readonly #options: ExportReaderOptions;
  readonly #parts: PartJoiner;
  #document: OpenDocument | undefined;
  /** The number of the last line, from 1. */
  #line = 0;
  /** The number of events so far. */
  #events = 0;
  /** Lines that are indented deeper than this belong to the last damaged object. */
  #restIndent = Number.POSITIVE_INFINITY;

  constructor(options: ExportReaderOptions) {
    this.#options = options;
    this.#parts = new PartJoiner(options.maxLength);
  }

  /** Whether the next line may be skipped if it is an event and begins with its bracket. */
  get canSkip(): boolean {
    return this.#document === undefined;
  }

  /** Whether a line, or an object on several lines, has begun and not ended. */
  get isWaiting(): boolean {
    return this.#parts.isAnyWaiting || this.#document?.document.isInObject === true;
  }

  /** Counts a line that is an event and begins with its bracket, without reading it. */
  skip(): void {
    this.#line++;
    // Its indentation ends a damaged object.
    this.#restIndent = Number.POSITIVE_INFINITY;
  }

  /** Reads the next line. */
  read(text: string | LineFault): void {
    this.#line++;
    let fault: string | undefined;
    if (typeof text !== "string") fault = this.#damage(text.fault);
    else if (text === "" || text.trim() === "") return;
    else if (this.#document?.document.isInObject && text.includes("\0")) {
      this.#fail(this.#damage(HOLE), this.#line);
      this.#readEvents(text.split(/\0+/), this.#line);
      return;
    } else if (this.#document !== undefined && this.#continueDocument(this.#document, text)) return;
    else
      fault = this.#isRest(text) ? "the rest of a damaged JSON document" : this.#readText(text, this.#line);
    this.#fail(fault, this.#line);
  }

  /** Reads everything that was waiting for more lines. */
  end(): void {
    if (this.#document !== undefined) this.#abandonDocument(this.#document, "it does not end");
    for (const stream of ["stdout", "stderr"] as const) this.#endParts(stream);
  }

  #fail(fault: string | undefined, line: number): void {
    if (fault !== undefined) this.#options.onBadLine(fault, line);
  }

  /** Reports the events in a string; returns the fault, if any. */
  #readText(text: string, line: number, depth = 0): string | undefined {
    // Errors of JSON.parse are expensive, and most log lines do not look like JSON.
    const json = MAY_BE_OBJECT.test(text) ? parseJson(text) : undefined;
    if (json === undefined) return this.#readOtherThanJson(text, line, depth);
    const schema = Array.isArray(json) ? undefined : envelopeSchema(json);
    if (schema !== undefined) return this.#readEvent(schema, json, text, line);
    const inside = this.#readEnvelope(text, json, line, depth);
    if (inside?.isRead || Array.isArray(json)) return inside?.fault;
    if (isBareFlow(json)) {
      const fault = this.#readEvent(FlowSchema, json, text, line);
      // Log records may have fields with the same names as flows.
      return fault && (inside?.fault ?? fault);
    }
    return inside === undefined ? NO_EVENT : inside.fault;
  }

  #readOtherThanJson(text: string, line: number, depth: number): string | undefined {
    if (text.trim() === "") return undefined;
    // The strings before and after a run of NUL bytes are different lines.
    if (text.includes("\0")) return this.#readAroundHoles(text.split(/\0+/), line, depth);
    if (this.#readObjects(text, line, depth)) return undefined;
    const inside = this.#readEnvelope(text, undefined, line, depth);
    return inside === undefined ? jsonFault(text) : inside.fault;
  }

  #readEvent(
    schema: Parameters<typeof readEvent>[0],
    json: object,
    text: string,
    line: number,
  ): string | undefined {
    let reading: EventReading;
    try {
      reading = readEvent(schema, json, text, this.#options.registry);
    } catch (error) {
      return messageOf(error);
    }
    this.#events++;
    this.#options.onEvent(reading, line, text);
    return undefined;
  }

  /** Reads the first envelope that contains an event; undefined if the line has no known envelope. */
  #readEnvelope(text: string, json: unknown, line: number, depth: number): EnvelopeReading | undefined {
    let reading: EnvelopeReading | undefined;
    for (const { name, unwrap } of ENVELOPES) {
      const content = unwrap({ text, json });
      if (content === undefined) continue;
      if (depth === MAX_ENVELOPES) return { isRead: false, fault: TOO_DEEP };
      const before = this.#events;
      const fault = this.#readContent(content, line, depth + 1);
      // The event of a part may only be reported once the other parts have arrived.
      const isPart = content.part !== undefined && content.part.text.trim() !== "";
      const isRead = this.#events > before || isPart;
      reading = { isRead, fault: reading?.fault ?? (fault && `${name}: ${fault}`) };
      if (isRead) break;
    }
    return reading;
  }

  #readContent({ lines, part }: EnvelopeContent, line: number, depth: number): string | undefined {
    return part === undefined ? this.#readAll(lines, line, depth) : this.#readPart(part, line, depth);
  }

  /** Reads all strings and returns the first fault. */
  #readAll(texts: readonly string[], line: number, depth: number): string | undefined {
    let first: string | undefined;
    let faults = 0;
    for (const text of texts) {
      const fault = this.#readText(text, line, depth);
      if (fault === undefined) continue;
      first ??= fault;
      faults++;
    }
    return faults > 1 ? `${first} (and ${faults - 1} more faults in this line)` : first;
  }

  #readAroundHoles(pieces: readonly string[], line: number, depth: number): string | undefined {
    let fault: string | undefined;
    for (const [index, piece] of pieces.entries()) {
      const cut = index > 0 && this.#parts.isAnyWaiting ? this.#damage(HOLE) : undefined;
      const own = piece.length >= MIN_EVENT_LENGTH ? this.#readText(piece, line, depth) : undefined;
      fault ??= cut ?? own;
    }
    const hasRest = pieces.some((piece) => piece.length < MIN_EVENT_LENGTH && piece.trim() !== "");
    return fault ?? (hasRest ? "not JSON: the rest of a line beside a hole of NUL bytes" : undefined);
  }

  #readPart(part: LinePart, line: number, depth: number): string | undefined {
    const { text, stream, isLast } = part;
    if (this.#parts.isWaiting(stream)) {
      // A complete event begins a new line, so the rest of the previous line is missing.
      if (isEvent(text)) this.#endParts(stream);
      else {
        const joined = this.#parts.add(part, line);
        return joined && this.#readJoined(joined, depth);
      }
    }
    const isWhole = isLast ?? (!text.startsWith("{") || isJson(text));
    if (isWhole) return this.#readJoined({ stream, text, line }, depth);
    this.#parts.add(part, line);
    return undefined;
  }

  #readJoined({ stream, text, line }: JoinedLine, depth: number): string | undefined {
    if (text === undefined) return this.#tooLong();
    const isReported = this.#parts.takeDropped(stream, text);
    const fault = this.#readText(text, line, depth);
    // Programs log their own messages to stderr; those are not missing events.
    const isMessage = stream === "stderr" && !EVENT_START.test(text);
    return isReported || isMessage ? undefined : fault;
  }

  #endParts(stream: LinePart["stream"]): void {
    const joined = this.#parts.take(stream);
    if (joined !== undefined) this.#fail(this.#readJoined(joined, 1), joined.line);
  }

  #tooLong(): string {
    return `longer than ${this.#options.maxLength} characters`;
  }

  /** Reads a line that contains several objects, or begins a document that spans several lines. */
  #readObjects(text: string, line: number, depth: number): boolean {
    if (depth === MAX_ENVELOPES || !MAY_BE_OBJECT.test(text)) return false;
    const document = new JsonDocument(this.#options.maxLength);
    const objects: (string | undefined)[] = [];
    const state = document.add(text, objects);
    // A truncated line does not end like this.
    const continues = state === "open" && depth === 0 && /[{[,]\s*$/.test(text);
    if (state === "broken" || (state === "open" && !continues)) return false;
    this.#readDocumentObjects(objects, line, depth + 1);
    if (continues) {
      const objectIndent = indentOf(text);
      this.#document = { document, line, objectLine: line, objectIndent, isLost: false, lines: [] };
    }
    return true;
  }

  #readDocumentObjects(objects: readonly (string | undefined)[], line: number, depth: number): void {
    const known = objects.filter((text) => text !== undefined);
    if (known.length < objects.length) this.#fail(this.#tooLong(), line);
    this.#fail(this.#readAll(known, line, depth), line);
  }

  /** Returns false if the line does not continue the document, which is then abandoned. */
  #continueDocument(open: OpenDocument, text: string): boolean {
    const objects: (string | undefined)[] = [];
    if (!open.document.isInObject) this.#beginObject(open, text);
    const state = open.document.add(text, objects);
    if (state === "broken") {
      this.#abandonDocument(open, `line ${this.#line} does not continue it`);
      return false;
    }
    if (open.isLost) {
      this.#readEvents([text], this.#line);
      if (objects.length > 0) {
        objects.shift();
        open.isLost = false;
        this.#beginObject(open, text);
      }
      if (state === "closed") this.#document = undefined;
      if (open.isLost) return true;
    }
    this.#readDocumentObjects(objects, open.objectLine, 1);
    const { isInObject, isTooLong } = open.document;
    if (objects.length > 0 || !isInObject || isTooLong) open.lines = [];
    else if (text.trimStart().startsWith("{")) open.lines.push({ text, line: this.#line });
    if (objects.length > 0) this.#beginObject(open, text);
    if (state === "closed") this.#document = undefined;
    return true;
  }

  /**
   * A truncated line may look like the beginning of a document, so the events on the lines after it are read
   * individually.
   */
  #abandonDocument({ document, line, lines, objectIndent, isLost }: OpenDocument, why: string): void {
    this.#document = undefined;
    if (document.isInObject) this.#restIndent = objectIndent;
    if (!isLost) this.#fail(`a JSON document on several lines that is damaged: ${why}`, line);
    for (const { text, line } of lines) this.#readEvents([text], line);
  }

  /**
   * Drops the object or line parts that surround an unreadable line: without that line, they would form a different
   * event.
   */
  #damage(fault: string): string {
    const open = this.#document;
    const begin = this.#parts.drop() ?? (open?.document.isInObject ? open.objectLine : undefined);
    if (open === undefined) {
      // The unreadable line may have been the first of a document.
      this.#restIndent = 0;
    } else {
      open.document.skipLine();
      open.isLost = open.document.isInObject;
      for (const { text, line } of open.lines) this.#readEvents([text], line);
      open.lines = [];
    }
    return begin === undefined ? fault : `${fault}; what begins at line ${begin} cannot be read without it`;
  }

  #beginObject(open: OpenDocument, text: string): void {
    open.objectLine = this.#line;
    open.objectIndent = indentOf(text);
  }

  /** Whether a line belongs to the last damaged object and is not itself an event. */
  #isRest(text: string): boolean {
    if (this.#restIndent === Number.POSITIVE_INFINITY || !MAY_BE_OBJECT.test(text)) return false;
    if (indentOf(text) > this.#restIndent) return !isEvent(withoutComma(text));
    this.#restIndent = Number.POSITIVE_INFINITY;
    return false;
  }

  /** Reads those strings that are complete events, including elements of lists. */
  #readEvents(texts: readonly string[], line: number): void {
    for (const text of texts.map(withoutComma)) {
      if (isEvent(text)) this.#fail(this.#readText(text, line), line);
    }
  }
}
