// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html#section-3.1: type, total length, body, total length
export const BLOCK_TYPE = 0;
export const BLOCK_LENGTH = 4;
export const BLOCK_BODY = 8;
/** Length of the repeated total length at the end of a block. */
export const BLOCK_TRAILER = 4;
export const BLOCK_OVERHEAD = BLOCK_BODY + BLOCK_TRAILER;

export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
export const PACKET = 2;
export const SIMPLE_PACKET = 3;
export const NAME_RESOLUTION = 4;
export const INTERFACE_STATISTICS = 5;
export const ENHANCED_PACKET = 6;
export const DECRYPTION_SECRETS = 10;
export const SYSTEMD_JOURNAL = 9;
/** Custom Blocks that programs may copy to a new file, and those that they must not copy. */
export const CUSTOM = 0x0bad;
export const CUSTOM_NO_COPY = 0x4000_0bad;

/** Section Header Block. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const SHB = { byteOrder: 8, major: 12, minor: 14, sectionLength: 16, options: 24 } as const;

/** Interface Description Block. */
export const IDB = { linkType: 8, snapLength: 12, options: 16 } as const;

/** Enhanced Packet Block. */
export const EPB = {
  interfaceId: 8,
  timeHigh: 12,
  timeLow: 16,
  captured: 20,
  original: 24,
  data: 28,
} as const;

/** Simple Packet Block. */
export const SPB = { original: 8, data: 12 } as const;

/** Obsolete Packet Block: like the enhanced one, but with a 16-bit interface ID and a 16-bit drop count. */
export const PB_INTERFACE_ID = 8;
export const PB_DROPS = 10;
export const PB_DROPS_UNKNOWN = 0xffff;

/** Decryption Secrets Block. */
export const DSB = { secretsType: 8, secretsLength: 12, secrets: 16 } as const;

/** Name Resolution Block. The records have the form of options. */
export const NRB_RECORDS = 8;

/** Custom Block: a Private Enterprise Number, then what its owner defines. */
export const CB = { enterprise: 8, data: 12 } as const;

/** Interface Statistics Block. */
export const ISB = { interfaceId: 8, timeHigh: 12, timeLow: 16, options: 20 } as const;

export const OPTION_HEADER_LENGTH = 4;
/** Custom options that programs may copy to a new file (a string or bytes), and those that they must not copy. */
export const OPT_CUSTOM_STRING = 2988;
export const OPT_CUSTOM_BYTES = 2989;
export const OPT_CUSTOM_STRING_NO_COPY = 19372;
export const OPT_CUSTOM_BYTES_NO_COPY = 19373;
export const OPT_END = 0;
export const OPT_COMMENT = 1;
export const SHB_HARDWARE = 2;
export const SHB_OPERATING_SYSTEM = 3;
export const SHB_USER_APPLICATION = 4;
export const EPB_FLAGS = 2;
export const EPB_DROP_COUNT = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
export const IF_TIME_RESOLUTION = 9;
const IF_FILTER = 11;
const IF_OPERATING_SYSTEM = 12;
export const IF_TIME_OFFSET = 14;
const IF_HARDWARE = 15;
export const ISB_START_TIME = 2;
export const ISB_END_TIME = 3;
export const ISB_RECEIVED = 4;
export const ISB_INTERFACE_DROPPED = 5;
export const ISB_SYSTEM_DROPPED = 7;

/** The options of an interface that are strings; in the order in which they are written. */
export const INTERFACE_STRINGS = [
  { code: IF_NAME, field: "name", prefix: "" },
  { code: IF_DESCRIPTION, field: "description", prefix: "" },
  // A NUL precedes a filter expression; other filters are not strings.
  { code: IF_FILTER, field: "filter", prefix: "\0" },
  { code: IF_OPERATING_SYSTEM, field: "operatingSystem", prefix: "" },
  { code: IF_HARDWARE, field: "hardware", prefix: "" },
] as const;
/** Default of if_tsresol: microseconds. */
export const DEFAULT_TIME_RESOLUTION = 6;

/** Rounds a length up to 32 bits, as pcapng pads all values. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
