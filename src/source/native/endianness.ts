import { endianness } from "node:os";

/** Byte order of memory written by C, as the `littleEndian` argument of `DataView` methods. */
export const LITTLE_ENDIAN: boolean = endianness() === "LE";
