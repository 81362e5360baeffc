/** A file type that is identified by its first bytes. */
export interface FileSignature {
  readonly bytes: readonly number[];
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
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], name: "zstd-compressed data", ...decompress("zstd -dc") },
  // https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md; the second is the legacy frame
  { bytes: [0x04, 0x22, 0x4d, 0x18], name: "lz4-compressed data", ...decompress("lz4 -dc") },
  { bytes: [0x02, 0x21, 0x4c, 0x18], name: "lz4-compressed data", ...decompress("lz4 -dc") },
  // https://tukaani.org/xz/xz-file-format.txt, section 2.1.1.1
  { bytes: [0xfd, 0x37, 0x7a, 0x58], name: "xz-compressed data", ...decompress("xz -dc") },
  { bytes: [0x42, 0x5a, 0x68], name: "bzip2-compressed data", ...decompress("bzip2 -dc") },
  { bytes: [0x1f, 0x9d], name: "data compressed by compress(1)", ...decompress("uncompress -c") },
  { bytes: [0x50, 0x4b, 0x03, 0x04], name: "a ZIP archive", ...decompress("unzip -p") },
  { bytes: [0xd4, 0xc3, 0xb2, 0xa1], ...capture },
  { bytes: [0xa1, 0xb2, 0xc3, 0xd4], ...capture },
  { bytes: [0x4d, 0x3c, 0xb2, 0xa1], ...capture },
  { bytes: [0xa1, 0xb2, 0x3c, 0x4d], ...capture },
  { bytes: [0x0a, 0x0d, 0x0d, 0x0a], ...capture },
  // Variants of pcap with other record headers, as in libpcap and Wireshark.
  ...inEitherOrder([0xa1, 0xb2, 0xcd, 0x34], "Kuznetzov's modified pcap"),
  ...inEitherOrder([0xa1, 0xb2, 0x34, 0xcd], "Mesquita's modified pcap"),
  ...inEitherOrder([0xa1, 0x2b, 0x3c, 0x4d], "Navtel's modified pcap"),
  ...inEitherOrder([0x1c, 0x00, 0x01, 0xac], "Ixia's pcap (hardware)"),
  ...inEitherOrder([0x1c, 0x00, 0x01, 0xab], "Ixia's pcap (software)"),
  { bytes: [0x7f, 0x45, 0x4c, 0x46], name: "an ELF program" },
  { bytes: [0x89, 0x50, 0x4e, 0x47], name: "a PNG image" },
  { bytes: [0x25, 0x50, 0x44, 0x46], name: "a PDF document" },
  { bytes: [0xff, 0xfe], ...utf16 },
  { bytes: [0xfe, 0xff], ...utf16 },
  // The start of a JSON object in UTF-16 without a byte order mark: a brace and a quote.
  { bytes: [0x7b, 0x00, 0x22, 0x00], ...utf16 },
  { bytes: [0x00, 0x7b, 0x00, 0x22], ...utf16 },
];

/** An unsupported variant of pcap, whose magic number is written in the byte order of the machine. */
function inEitherOrder(bytes: readonly number[], name: string): FileSignature[] {
  return [bytes, [...bytes].reverse()].map((ordered) => ({ bytes: ordered, name, capture: "unsupported" }));
}

/** Number of bytes of {@link isGzip}. */
export const GZIP_MAGIC_BYTES = 2;

/** Whether bytes begin with the magic number of gzip: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1 */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Returns the file type that starts with `head`; undefined if it is unknown. */
export function findSignature(head: Uint8Array): FileSignature | undefined {
  return SIGNATURES.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte));
}

/** `zstd-compressed data; decompress it first: zstd -dc` */
export function describeSignature({ name, advice }: FileSignature): string {
  return advice === undefined ? name : `${name}; ${advice}`;
}
