// Blocks in both byte orders, and a capture that consists of them.
import { type BlockWriter, blockWriter, join, type Option } from "../blocks.js";
import { bytesOf } from "../read.js";

export const OPT_COMMENT = 1;
export const IF_NAME = 2;
export const IF_TIME_RESOLUTION = 9;
export const IF_FILTER = 11;
export const IF_TIME_OFFSET = 14;

export const DATA = bytesOf("0102030405");
export const WHOLE = bytesOf("01020304");

export const little = blockWriter();
export const big = blockWriter({ littleEndian: false });
export const orders = [
  { order: "little-endian", writer: little },
  { order: "big-endian", writer: big },
];

/** A section with one interface and one packet of one byte. */
export function start(writer: BlockWriter, options: readonly Option[] = []): Uint8Array {
  return join(writer.section(), writer.interface({ options }), writer.enhanced({ data: bytesOf("aa") }));
}
