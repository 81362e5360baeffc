/**
 * Reads the blocks of a pcapng file without the code of the package, and states them in a form that is equal for an input
 * and for what is written from it, apart from the exceptions that `EXCEPTIONS` names.
 */

/** What a rewritten file does not have as the input has it. */
export const EXCEPTIONS = [
  "all sections become one little-endian section; options of later sections are lost",
  "shb_userappl names the program that writes the file",
  "interface descriptions precede the other blocks that were read with them",
  "if_tsresol is 6 or 9, and times finer than nanoseconds are truncated",
  "if_tsoffset 0 is omitted",
  "the comments of a packet precede its other options",
  "an obsolete Packet Block becomes an Enhanced Packet Block; its drop count becomes epb_dropcount",
  "a Simple Packet Block of another interface than the first becomes an Enhanced Packet Block",
  "custom blocks and options that must not be copied are lost",
  "unknown blocks and options of big-endian sections, and unknown blocks of renumbered sections, are lost",
  "the only interface of a file without statistics gets a statistics block with the totals",
  "a file without interfaces gets an Ethernet interface and loses the options of its section",
  "options after opt_endofopt, and an option that extends past its block, are lost",
] as const;

export interface CanonicalFile {
  readonly section: readonly string[];
  readonly interfaces: readonly string[];
  /** Everything else in order; interfaces are numbered over all sections. */
  readonly blocks: readonly string[];
}

interface Interface {
  readonly unit: number;
  readonly offset: bigint;
  readonly snapLength: number;
}

type OptionText = (code: number, value: Buffer) => string | undefined;

const NO_COPY = [19372, 19373];
const SECTION = 0x0a0d0d0a;

/** Reads a file of little-endian sections. */
export function canonicalBlocks(bytes: Uint8Array): CanonicalFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const section: string[] = [];
  const descriptions: string[] = [];
  const blocks: string[] = [];
  const interfaces: Interface[] = [];
  let sections = 0;
  let base = 0;
  for (let at = 0; at < file.length; ) {
    const type = file.readUInt32LE(at);
    const length = file.readUInt32LE(at + 4);
    const body = file.subarray(at + 8, at + length - 4);
    at += length;
    if (type === SECTION) {
      base = interfaces.length;
      if (sections++ === 0) section.push(...optionsOf(body, 16, (code) => (code === 4 ? undefined : "")));
    } else if (type === 1) {
      const own: { unit: number; offset: bigint } = { unit: 6, offset: 0n };
      const options = optionsOf(body, 8, (code, value) => {
        if (code === 9 && value.length > 0) own.unit = value.readUInt8(0);
        if (code === 14) own.offset = value.readBigInt64LE(0);
        return code === 9 || (code === 14 && own.offset === 0n) ? undefined : "";
      });
      const snapLength = body.readUInt32LE(4);
      interfaces.push({ ...own, snapLength });
      descriptions.push(`${body.readUInt16LE(0)} snap ${snapLength} ${sorted(options)}`);
    } else if (type === 6 || type === 2) {
      const id = type === 6 ? body.readUInt32LE(0) : body.readUInt16LE(0);
      const captured = body.readUInt32LE(12);
      const dataEnd = 20 + captured;
      const options = optionsOf(body, dataEnd + (-captured & 3), () => "");
      const drops = type === 2 ? body.readUInt16LE(2) : 0;
      if (drops !== 0 && drops !== 0xffff) options.push(`4:${uint64(BigInt(drops))}`);
      const time = timeOf(body, 4, interfaces[base + id]!);
      blocks.push(
        `packet ${base + id} ${time} ${body.readUInt32LE(16)} ${body.toString("hex", 20, dataEnd)} ${sorted(options)}`,
      );
    } else if (type === 3) {
      const original = body.readUInt32LE(0);
      const { snapLength, offset } = interfaces[base]!;
      const captured = snapLength === 0 ? original : Math.min(snapLength, original);
      // Only the first interface of a file can have simple packets.
      const kind = base === 0 ? "simple" : `packet ${base} ${offset > 0n ? offset * 1_000_000_000n : 0n}`;
      blocks.push(`${kind} ${original} ${body.toString("hex", 4, 4 + captured)} `);
    } else if (type === 5) {
      const own = interfaces[base + body.readUInt32LE(0)]!;
      const options = optionsOf(body, 12, (code, value) =>
        (code === 2 || code === 3) && value.length === 8 ? String(timeOf(value, 0, own)) : "",
      );
      blocks.push(`statistics ${base + body.readUInt32LE(0)} ${timeOf(body, 4, own)} ${options}`);
    } else if (type === 4) {
      let end = 0;
      while (end + 4 <= body.length && body.readUInt16LE(end) !== 0)
        end += 4 + padded(body.readUInt16LE(end + 2));
      blocks.push(`names ${body.toString("hex", 0, end + 4)} ${optionsOf(body, end + 4, () => "")}`);
    } else if (type === 10) {
      const end = 8 + padded(body.readUInt32LE(4));
      blocks.push(`secrets ${body.toString("hex", 0, end)} ${optionsOf(body, end, () => "")}`);
    } else if (type !== 0x40000bad && (base === 0 || type === 0xbad || type === 9)) {
      blocks.push(`block ${type} ${body.toString("hex")}`);
    }
  }
  return { section, interfaces: descriptions, blocks };
}

/** Without the statistics that only the writer adds; see `EXCEPTIONS`. */
export function withoutAddedStatistics(after: CanonicalFile, before: CanonicalFile): CanonicalFile {
  if (before.blocks.some((block) => block.startsWith("statistics"))) return after;
  return { ...after, blocks: after.blocks.filter((block) => !/^statistics 0 \d+ 4:/.test(block)) };
}

/** Options as `code:value`; `text` may replace the value (a string that is not empty) or leave it out (undefined). */
function optionsOf(body: Buffer, start: number, text: OptionText): string[] {
  const options: string[] = [];
  for (let at = start; at + 4 <= body.length; ) {
    const code = body.readUInt16LE(at);
    const length = body.readUInt16LE(at + 2);
    if (code === 0 || at + 4 + length > body.length) break;
    const value = body.subarray(at + 4, at + 4 + length);
    const own = text(code, value);
    if (own !== undefined && !NO_COPY.includes(code)) options.push(`${code}:${own || value.toString("hex")}`);
    at += 4 + padded(length);
  }
  return options;
}

/** Sorted by code; the order of options with the same code stays. */
function sorted(options: readonly string[]): string {
  return [...options].sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10)).join(" ");
}

/** Nanoseconds since 1970. */
function timeOf(bytes: Buffer, at: number, { unit, offset }: Interface): bigint {
  const units = (BigInt(bytes.readUInt32LE(at)) << 32n) | BigInt(bytes.readUInt32LE(at + 4));
  const perSecond = unit < 0x80 ? 10n ** BigInt(unit) : 2n ** BigInt(unit - 0x80);
  return offset * 1_000_000_000n + (units * 1_000_000_000n) / perSecond;
}

function uint64(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.toString("hex");
}

function padded(length: number): number {
  return length + (-length & 3);
}
