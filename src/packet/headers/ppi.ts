// Per-Packet Information: https://www.tcpdump.org/linktypes/LINKTYPE_PPI.html: a header of variable length, then a packet
// of another link type. Fields are little-endian.

/** Version 0 is the only one. */
export const PPI_VERSION = 0;
/** Length of the header with its fields, 16 bits. */
export const PPI_LENGTH = 2;
/** Link type of the packet, 32 bits. */
export const PPI_LINK_TYPE = 4;
export const PPI_MIN_LENGTH = 8;
