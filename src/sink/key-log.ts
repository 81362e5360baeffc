import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { withoutPath } from "../errors/message.js";
import { aString, withMethods } from "../errors/value-checks.js";
import type { DecryptionSecrets } from "../pcap/pcapng/add/secrets.js";
import { MAX_SECRETS_BYTES } from "../pcap/pcapng/add/secrets.js";

// Declares global types for programs without them.
export type {} from "../async/global-types.js";

/** Minimum interval between two looks at the size of the file: secrets are to precede the packets that need them. */
const POLL_INTERVAL_MS = 10;
const NEWLINE = 0x0a;
/** Maximum number of blocks for later keys; later keys are not written. */
const MAX_ADDITIONS = 65_536;

/** Options of {@link openKeyLog}. */
export interface KeyLogOptions {
  readonly clock?: Pick<Clock, "now">;
}

const KEY_LOG_OPTIONS: OptionTable<KeyLogOptions> = {
  clock: withMethods<Pick<Clock, "now">>("a clock with `now`", "now"),
};

/** A TLS key log file that may grow while its secrets are written to captures. */
export interface KeyLog extends Disposable {
  /**
   * All secrets read so far: pass it as `secrets` of a capture sink. Reads what was added to the file, at most once in
   * 10 ms; never throws.
   */
  readonly secrets: () => readonly DecryptionSecrets[];
  /**
   * What is missing: the file is not followed any more, because it is too long, was truncated, or cannot be read; or lines
   * were left out. Undefined if nothing is missing.
   */
  readonly fault: string | undefined;
}

/**
 * Opens the file that TLS programs write to `SSLKEYLOGFILE`, in the format of NSS, at most 16 MiB. Every line must be
 * a comment, empty, or a label with hexadecimal values: other files, such as private keys, are never copied to a capture.
 * Other lines that are added later are left out. The file may only be appended to: one that is replaced is not followed. A last line without a newline is read again when it is complete.
 *
 * @example
 * ```ts
 * using keys = openKeyLog("keys.log");
 * const sink = namedFileSink("tls.pcapng", { additions: { secrets: keys.secrets } });
 * ```
 *
 * @throws FlowscribeError `sink_failed` if the file cannot be read, is too long, or has another line, with its number.
 *   OptionsError; TypeError if `path` is not a string.
 */
export function openKeyLog(path: string, options: KeyLogOptions = {}): KeyLog {
  checkArgument("openKeyLog", "path", path, aString);
  checkOptions("openKeyLog", options, KEY_LOG_OPTIONS);
  const { clock = systemClock } = options;
  const file = new KeyLogFile(path);
  try {
    file.readFirst();
  } catch (error) {
    file.close();
    throw error;
  }
  let nextPollMs = clock.now() + POLL_INTERVAL_MS;
  return {
    secrets: () => {
      const nowMs = clock.now();
      if (nowMs >= nextPollMs) {
        nextPollMs = nowMs + POLL_INTERVAL_MS;
        file.readAdded();
      }
      return file.secrets;
    },
    get fault() {
      return file.fault;
    },
    [Symbol.dispose]: () => file.close(),
  };
}

class KeyLogFile {
  readonly secrets: DecryptionSecrets[] = [];
  fault: string | undefined;
  readonly #path: string;
  #descriptor: number | undefined;
  /** Complete lines read so far. */
  #length = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      // Without waiting: a pipe without a writer would block the program.
      this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw this.#failed(withoutPath(error), error);
    }
    if (fstatSync(this.#descriptor).isFile()) return;
    this.close();
    throw this.#failed("is not a regular file");
  }

  readFirst(): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#readRest();
    } catch (error) {
      if (error instanceof FlowscribeError) throw error;
      throw this.#failed(withoutPath(error), error);
    }
    const lines = this.#acceptLines(bytes);
    const other = firstOtherLine(lines);
    if (other !== undefined) throw this.#failed(`line ${other} is not a line of a TLS key log`);
    this.#add(firstOtherLine(bytes) === undefined ? bytes : lines);
  }

  readAdded(): void {
    if (this.#descriptor === undefined) return;
    try {
      const bytes = this.#acceptLines(this.#readRest());
      const accepted = withoutOtherLines(bytes);
      if (accepted.length < bytes.length) this.fault ??= "lines that are not of a TLS key log were left out";
      this.#add(accepted);
    } catch (error) {
      this.fault = withoutPath(error);
      this.close();
    }
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Reads what was added to the file after the accepted lines. */
  #readRest(): Uint8Array {
    const descriptor = this.#descriptor!;
    const { size } = fstatSync(descriptor);
    if (size < this.#length) throw this.#failed("was truncated");
    if (size > MAX_SECRETS_BYTES || this.secrets.length >= MAX_ADDITIONS) {
      throw this.#failed(`is longer than ${MAX_SECRETS_BYTES} bytes, or was extended too often`);
    }
    const bytes = new Uint8Array(size - this.#length);
    let read = 0;
    while (read < bytes.length) {
      const length = readSync(descriptor, bytes, read, bytes.length - read, this.#length + read);
      if (length === 0) break;
      read += length;
    }
    return bytes.subarray(0, read);
  }

  /** Returns the complete lines, which are not read again. */
  #acceptLines(bytes: Uint8Array): Uint8Array {
    const lines = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
    this.#length += lines.length;
    return lines;
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length > 0) this.secrets.push({ type: "TLS Key Log", bytes });
  }

  #failed(why: string, cause?: unknown): FlowscribeError {
    return new FlowscribeError("sink_failed", `${this.#path}: ${why}`, cause === undefined ? {} : { cause });
  }
}

/** https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html, and the older forms for RSA keys. */
const KEY_LOG_LINE =
  /^(?:#.*|[ \t]*|[A-Z0-9_]+ [0-9A-Fa-f]+ [0-9A-Fa-f]+|RSA Session-ID:[0-9A-Fa-f]* Master-Key:[0-9A-Fa-f]+)\r?$/;

/** The lines that are lines of a key log. */
function withoutOtherLines(bytes: Uint8Array): Uint8Array {
  if (firstOtherLine(bytes) === undefined) return bytes;
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").split("\n");
  // What follows the last newline is empty.
  const kept = lines.slice(0, -1).filter((line) => KEY_LOG_LINE.test(line));
  return new Uint8Array(Buffer.from(kept.map((line) => `${line}\n`).join(""), "latin1"));
}

/** The number of the first line that is not a line of a key log. */
function firstOtherLine(bytes: Uint8Array): number | undefined {
  // As bytes: the file may have any encoding in comments.
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").split("\n");
  const index = lines.findIndex((line) => !KEY_LOG_LINE.test(line));
  return index < 0 ? undefined : index + 1;
}
