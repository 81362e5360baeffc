import { endianness } from "node:os";

/** The byte order of what C leaves in memory, as `DataView` wants it. */
export const LITTLE_ENDIAN: boolean = endianness() === "LE";
