/** A file type that is identified by its first bytes. */
export interface FileSignature {
  /** The first bytes, in hexadecimal. */
  readonly magic: string;
  /** Name for messages, with its article: `a packet capture`. */
  readonly name: string;
  /** Advice for the user, if any. */
  readonly advice?: string;
  /** Whether it is a packet capture; if so, whether this package can decode it. */
  readonly capture?: "supported" | "unsupported";
}

/** Number of bytes needed to identify any type. */
export const SIGNATURE_BYTES = 4;

const decompress = (command: string) => ({ advice: `decompress it first: ${command}` });
const capture = { name: "a packet capture", capture: "supported" } as const;
const utf16 = { name: "UTF-16 text", advice: "convert it to UTF-8 first: iconv -t UTF-8" };

/**
 * File types that are passed to this package by mistake; the first match counts. gzip is missing as it is supported.
 */
const SIGNATURES: readonly FileSignature[] = [
  // https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
  { magic: "28b52ffd", name: "zstd-compressed data", ...decompress("zstd -dc") },
  // https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md; the second is the legacy frame
  { magic: "04224d18", name: "lz4-compressed data", ...decompress("lz4 -dc") },
  { magic: "02214c18", name: "lz4-compressed data", ...decompress("lz4 -dc") },
  // https://tukaani.org/xz/xz-file-format.txt, section 2.1.1.1
  { magic: "fd377a58", name: "xz-compressed data", ...decompress("xz -dc") },
  { magic: "425a68", name: "bzip2-compressed data", ...decompress("bzip2 -dc") },
  { magic: "1f9d", name: "data compressed by compress(1)", ...decompress("uncompress -c") },
  { magic: "504b0304", name: "a ZIP archive", ...decompress("unzip -p") },
  { magic: "d4c3b2a1", ...capture },
  { magic: "a1b2c3d4", ...capture },
  { magic: "4d3cb2a1", ...capture },
  { magic: "a1b23c4d", ...capture },
  { magic: "0a0d0d0a", ...capture },
  // Variants of pcap with other record headers, as in libpcap and Wireshark.
  ...inEitherOrder("a1b2cd34", "Kuznetzov's modified pcap"),
  ...inEitherOrder("a1b234cd", "Mesquita's modified pcap"),
  ...inEitherOrder("a12b3c4d", "Navtel's modified pcap"),
  ...inEitherOrder("1c0001ac", "Ixia's pcap (hardware)"),
  ...inEitherOrder("1c0001ab", "Ixia's pcap (software)"),
  { magic: "7f454c46", name: "an ELF program" },
  { magic: "89504e47", name: "a PNG image" },
  { magic: "25504446", name: "a PDF document" },
  { magic: "fffe", ...utf16 },
  { magic: "feff", ...utf16 },
  // The start of a JSON object in UTF-16 without a byte order mark: a brace and a quote.
  { magic: "7b002200", ...utf16 },
  { magic: "007b0022", ...utf16 },
];

/** An unsupported variant of pcap, whose magic number is written in the byte order of the machine. */
function inEitherOrder(magic: string, name: string): FileSignature[] {
  const reversed = magic.replace(/(..)(..)(..)(..)/, "$4$3$2$1");
  return [magic, reversed].map((ordered) => ({ magic: ordered, name, capture: "unsupported" }));
}

/** Number of bytes of {@link isGzip}. */
export const GZIP_MAGIC_BYTES = 2;

/** Whether bytes begin with the magic number of gzip: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Returns the file type that starts with `head`; undefined if it is unknown. */
export function findSignature(head: Uint8Array): FileSignature | undefined {
  const hex = hexOf(head.subarray(0, SIGNATURE_BYTES));
  return SIGNATURES.find(({ magic }) => hex.startsWith(magic));
}

/** Bytes in hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `zstd-compressed data; decompress it first: zstd -dc` */
export function describeSignature({ name, advice }: FileSignature): string {
  return advice === undefined ? name : `${name}; ${advice}`;
}
