import { BlockWriter } from "../block-writer.js";
import { OPT_CUSTOM_BYTES_NO_COPY, OPT_CUSTOM_STRING_NO_COPY, OPTION_HEADER_LENGTH } from "../format.js";
import type { OptionReader } from "../options.js";
import { swapOption } from "./option-layouts.js";

const INITIAL_BYTES = 1024;

/**
 * Collects options of one block for a new file, converted to little endian. Not copied, but counted, are custom options
 * that must not be copied, and unknown options of a big-endian section, whose numbers cannot be found.
 */
export class OptionCopier {
  readonly #writer = new BlockWriter(INITIAL_BYTES);
  #notCopied = 0;

  /** Number of options since {@link begin} that were not copied. */
  get notCopied(): number {
    return this.#notCopied;
  }

  begin(): void {
    this.#writer.clear();
    this.#notCopied = 0;
  }

  /** Copies the current option of a reader; returns whether it may be copied. */
  copy(blockType: number, options: OptionReader): boolean {
    const { code } = options;
    if (code === OPT_CUSTOM_STRING_NO_COPY || code === OPT_CUSTOM_BYTES_NO_COPY) return this.#skip();
    const writer = this.#writer;
    const value = options.value();
    const at = writer.length;
    writer.addOption(code, value);
    if (options.littleEndian) return true;
    const valueAt = at + OPTION_HEADER_LENGTH;
    if (swapOption(blockType, code, writer.bytes.subarray(valueAt, valueAt + value.length))) return true;
    writer.length = at;
    return this.#skip();
  }

  /** Adds an option with a number that the file states in another form. */
  addUint64(code: number, value: number): void {
    this.#writer.addUint64(code, value);
  }

  /** The copied options without opt_endofopt: a copy; undefined if there are no options. */
  take(): Uint8Array | undefined {
    return this.#writer.length === 0 ? undefined : this.#writer.written().slice();
  }

  #skip(): false {
    this.#notCopied++;
    return false;
  }
}
