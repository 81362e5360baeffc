import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { ByteInput } from "../../bytes/byte-input.js";
import { describeSignature, findSignature, isGzip } from "../../bytes/signature.js";
import { ExportError } from "../../observer/export/error.js";
import type { FileIdentity } from "../file-identity.js";
import { startOfLastLine } from "../last-line.js";
import { FINGERPRINT_BYTES } from "./fingerprint.js";

/** Size of a read that only skips bytes. */
const SKIP_BYTES = 64 * 1024;

const LF = 0x0a;

/**
 * A regular file with export lines, plain or gzip, that is read from its start on. Offsets count bytes after decompression.
 * The caller closes it.
 */
export class OpenedFile implements FileIdentity {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly #handle: FileHandle;
  /** Undefined until the file has a first byte. */
  #kind: "plain" | "gzip" | undefined;
  /** The decompressed bytes of a gzip file. */
  #plain: ByteInput | undefined;
  #offset = 0;
  readonly #head = new Uint8Array(FINGERPRINT_BYTES);
  #headLength = 0;

  private constructor(path: string, handle: FileHandle, { dev, ino }: FileIdentity) {
    this.path = path;
    this.dev = dev;
    this.ino = ino;
    this.#handle = handle;
  }

  /** @throws The system's error; Error if it is not a regular file. */
  static async open(path: string): Promise<OpenedFile> {
    // Not blocking, so that a pipe without a writer is reported and not waited for.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) {
        throw new Error("not a regular file; pass decodeExport of a stream to fromEvents instead");
      }
      return new OpenedFile(path, handle, stats);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Where the next read begins. */
  get offset(): number {
    return this.#offset;
  }

  /** The first bytes, as far as they were read, at most {@link FINGERPRINT_BYTES}. */
  get head(): Uint8Array {
    return this.#head.subarray(0, this.#headLength);
  }

  get isCompressed(): boolean {
    return this.#kind === "gzip";
  }

  get handle(): FileHandle {
    return this.#handle;
  }

  /**
   * Reads the next bytes; 0 at the end of the file, which may grow. Returns `truncated`, and keeps offset and head, if the file
   * does not have any more what was read: it is shorter, or begins with other bytes.
   *
   * @throws ExportError `malformed_gzip`, or `malformed_export` for a file of another kind. The system's error.
   */
  async readInto(buffer: Uint8Array): Promise<number | "truncated"> {
    this.#kind ??= await this.#begin();
    if (this.#kind === undefined) return 0;
    let length: number;
    if (this.#plain === undefined) {
      length = await this.#readAt(buffer, this.#offset);
      // After the read: what was read may be from after a truncation.
      if (!(await this.#isIntact())) return "truncated";
    } else {
      // A compressed file is written once.
      length = await this.#plain.readInto(buffer);
    }
    if (this.#headLength === this.#offset && this.#headLength < FINGERPRINT_BYTES) {
      const part = buffer.subarray(0, Math.min(length, FINGERPRINT_BYTES - this.#headLength));
      this.#head.set(part, this.#headLength);
      this.#headLength += part.length;
    }
    this.#offset += length;
    return length;
  }

  /** Reads until at least `bytes` of the head are known, or the file ends. */
  async readHead(bytes: number = FINGERPRINT_BYTES): Promise<Uint8Array> {
    const buffer = new Uint8Array(FINGERPRINT_BYTES);
    while (this.#headLength < bytes) {
      if ((await this.#readOn(buffer.subarray(0, bytes - this.#headLength))) === 0) break;
    }
    return this.head;
  }

  /** Continues at an offset. Returns false, at the end of the file, if the file is shorter. */
  async skipTo(offset: number, signal: AbortSignal): Promise<boolean> {
    if (offset < this.#offset) this.#rewind();
    await this.readHead(Math.min(offset, FINGERPRINT_BYTES));
    if (this.#kind === "plain") {
      const { size } = await this.#handle.stat();
      this.#offset = Math.min(offset, size);
    }
    const buffer = new Uint8Array(SKIP_BYTES);
    while (this.#offset < offset) {
      signal.throwIfAborted();
      if ((await this.#readOn(buffer.subarray(0, offset - this.#offset))) === 0) return false;
    }
    return true;
  }

  /** Continues after the last line feed, so that a last line without one is still read. */
  async skipLines(signal: AbortSignal): Promise<void> {
    await this.readHead();
    let start = 0;
    if (this.#kind === "plain") {
      const { size } = await this.#handle.stat();
      start = startOfLastLine(this.#handle.fd, size);
    } else {
      this.#rewind();
      const buffer = new Uint8Array(SKIP_BYTES);
      for (let length = -1; length !== 0; ) {
        signal.throwIfAborted();
        const before = this.#offset;
        length = await this.#readOn(buffer);
        const at = buffer.subarray(0, length).lastIndexOf(LF);
        if (at !== -1) start = before + at + 1;
      }
    }
    await this.skipTo(start, signal);
  }

  /** Whether the file has at least as many bytes; unknown, so true, if it is compressed. */
  async reaches(offset: number): Promise<boolean> {
    return this.isCompressed || (await this.#handle.stat()).size >= offset;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Like {@link readInto}; a truncated file has ended, and the next read finds out. */
  async #readOn(buffer: Uint8Array): Promise<number> {
    const length = await this.readInto(buffer);
    return length === "truncated" ? 0 : length;
  }

  async #isIntact(): Promise<boolean> {
    const { size } = await this.#handle.stat();
    if (size < this.#offset) return false;
    const { head } = this;
    const now = new Uint8Array(head.length);
    const length = await this.#readAt(now, 0);
    return length === head.length && now.every((byte, index) => byte === head[index]);
  }

  async #begin(): Promise<"plain" | "gzip" | undefined> {
    const head = new Uint8Array(FINGERPRINT_BYTES);
    const length = await this.#readAt(head, 0);
    if (length === 0) return undefined;
    if (!isGzip(head)) {
      this.#throwIfOther(head.subarray(0, length));
      return "plain";
    }
    let at = 0;
    const raw: ByteInput = {
      readInto: async (buffer) => {
        const read = await this.#readAt(buffer, at);
        at += read;
        return read;
      },
    };
    const { createGunzip } = await import("../../bytes/gunzip.js");
    this.#plain = createGunzip(raw, ({ message }) => this.#error("malformed_gzip", message));
    return "gzip";
  }

  #throwIfOther(head: Uint8Array): void {
    const signature = findSignature(head);
    if (signature === undefined) return;
    throw this.#error("malformed_export", `not export lines but ${describeSignature(signature)}`);
  }

  #error(code: "malformed_gzip" | "malformed_export", message: string): ExportError {
    return new ExportError(code, message, undefined, { path: this.path });
  }

  #rewind(): void {
    this.#kind = undefined;
    this.#plain = undefined;
    this.#offset = 0;
    this.#headLength = 0;
  }

  async #readAt(buffer: Uint8Array, offset: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, offset);
    return bytesRead;
  }
}
