import type { SideBlock } from "../../../packet/side-blocks.js";
import type { CaptureWarningCounts, NotPreserved } from "../../decoder.js";
import type { BlockReader } from "../block-reader.js";
import { BlockWriter } from "../block-writer.js";
import {
  BLOCK_BODY,
  BLOCK_TRAILER,
  CB,
  CUSTOM,
  CUSTOM_NO_COPY,
  DECRYPTION_SECRETS,
  DSB,
  NAME_RESOLUTION,
  NRB_RECORDS,
  OPT_END,
  OPTION_HEADER_LENGTH,
  padded,
  SYSTEMD_JOURNAL,
} from "../format.js";
import type { InterfaceReader } from "../interface-reader.js";
import { MAX_BLOCK_BYTES } from "../limits.js";
import { OptionCopier } from "./option-copier.js";

const INITIAL_BYTES = 4096;

/**
 * Copies the blocks of a section that are neither packets nor interfaces, converted to little endian.
 *
 * A block of unknown type is copied byte for byte. This is impossible in a big-endian section, where its numbers cannot be
 * found, and in a section whose interfaces get other numbers in the new file, because the block may refer to them.
 */
export class SideBlockReader {
  readonly #blocks: BlockReader;
  readonly #interfaces: InterfaceReader;
  readonly #warnings: CaptureWarningCounts;
  readonly #writer = new BlockWriter(INITIAL_BYTES);
  readonly #options = new OptionCopier();

  constructor(blocks: BlockReader, interfaces: InterfaceReader, warnings: CaptureWarningCounts) {
    this.#blocks = blocks;
    this.#interfaces = interfaces;
    this.#warnings = warnings;
  }

  /** Whether a block may be copied, as far as its type and length tell. */
  isCopied(type: number, length: number): boolean {
    if (type === CUSTOM_NO_COPY || length > MAX_BLOCK_BYTES) return false;
    if (hasKnownLayout(type)) return true;
    return this.#blocks.littleEndian && !this.#interfaces.isRenumbered;
  }

  /** Counts a block that is not copied. */
  countSkipped(type: number): void {
    this.#warnings.notPreserved[kindOf(type)]++;
  }

  /** Copies a complete block; undefined if it is damaged so that it cannot be converted, which is counted. */
  read(type: number, at: number, length: number, before: number): SideBlock | undefined {
    const body = this.#copy(type, at, length);
    if (body === undefined) {
      this.countSkipped(type);
      return undefined;
    }
    this.#warnings.pcapngOnly[kindOf(type)]++;
    return { before, type, body };
  }

  #copy(type: number, at: number, length: number): Uint8Array | undefined {
    const end = at + length - BLOCK_TRAILER;
    const bytes = this.#blocks.input.bytes.slice(at + BLOCK_BODY, end);
    let optionsAt: number | undefined;
    this.#writer.clear();
    if (type === DECRYPTION_SECRETS) optionsAt = this.#copySecrets(at, end);
    else if (type === NAME_RESOLUTION) optionsAt = this.#copyNames(at, end);
    else if (type === CUSTOM) return this.#copyCustom(bytes);
    else return bytes;
    // A damaged block is as readable in the new file as it was, unless its numbers have to be converted.
    if (optionsAt === undefined) return this.#blocks.littleEndian ? bytes : undefined;
    this.#copyOptions(type, optionsAt, at, length);
    return this.#writer.written().slice();
  }

  /** Returns where the options begin; undefined if the secrets extend past the block. */
  #copySecrets(at: number, end: number): number | undefined {
    if (at + DSB.secrets > end) return undefined;
    const blocks = this.#blocks;
    const secretsLength = blocks.uint32(at + DSB.secretsLength);
    const optionsAt = at + DSB.secrets + Math.ceil(secretsLength / 4) * 4;
    if (optionsAt > end) return undefined;
    this.#writeUint32(blocks.uint32(at + DSB.secretsType));
    this.#writeUint32(secretsLength);
    this.#writeBytes(at + DSB.secrets, optionsAt);
    return optionsAt;
  }

  /** Returns where the options begin; undefined if a record extends past the block or the last one is missing. */
  #copyNames(at: number, end: number): number | undefined {
    const blocks = this.#blocks;
    for (let record = at + NRB_RECORDS; record + OPTION_HEADER_LENGTH <= end; ) {
      const type = blocks.uint16(record);
      const valueLength = blocks.uint16(record + 2);
      const valueAt = record + OPTION_HEADER_LENGTH;
      record = valueAt + padded(valueLength);
      if (record > end) return undefined;
      this.#writeUint32(type + valueLength * 0x10000);
      this.#writeBytes(valueAt, record);
      if (type === OPT_END) return record;
    }
    return undefined;
  }

  /** The data of a Custom Block has a byte order that only its owner knows; it is copied as it is. */
  #copyCustom(bytes: Uint8Array): Uint8Array {
    if (!this.#blocks.littleEndian && bytes.length >= CB.data - CB.enterprise) {
      bytes.subarray(0, CB.data - CB.enterprise).reverse();
    }
    return bytes;
  }

  #copyOptions(type: number, start: number, at: number, length: number): void {
    this.#options.begin();
    const options = this.#blocks.options(start, at, length);
    while (options.next()) this.#options.copy(type, options);
    const copied = this.#options.take();
    if (copied === undefined) return;
    this.#writer.addBytes(copied);
    this.#writer.endOptions();
  }

  #writeUint32(value: number): void {
    const target = this.#writer.reserve(4);
    this.#writer.view.setUint32(target, value, true);
  }

  #writeBytes(start: number, end: number): void {
    this.#writer.addBytes(this.#blocks.input.bytes.subarray(start, end));
  }
}

/** Whether blocks of a type can be converted, and refer to no interface. */
export function hasKnownLayout(type: number): boolean {
  return (
    type === DECRYPTION_SECRETS || type === NAME_RESOLUTION || type === CUSTOM || type === SYSTEMD_JOURNAL
  );
}

function kindOf(type: number): keyof NotPreserved {
  if (type === DECRYPTION_SECRETS) return "decryptionSecrets";
  if (type === NAME_RESOLUTION) return "nameResolution";
  return type === CUSTOM || type === CUSTOM_NO_COPY ? "customBlocks" : "otherBlocks";
}
