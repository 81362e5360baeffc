// The layout of a block of TPACKET_V3 in include/uapi/linux/if_packet.h, in bytes. All fields are little endian: the
// module runs on x64 and arm64 only.

// `struct tpacket_block_desc`
/** The owner and flags of the block; the only word that the kernel and the reader write in turn. */
export const BLOCK_STATUS = 8;
export const BLOCK_PACKETS = 12;
export const BLOCK_FIRST_PACKET = 16;
/** The bytes in use, with this header. */
export const BLOCK_LENGTH = 20;
/** The time of the last packet: seconds, and nanoseconds after them. */
export const BLOCK_LAST_TIME = 40;
/** The length of the header. */
export const BLOCK_HEADER_LENGTH = 48;

/** `TP_STATUS_USER`: the block belongs to the reader. */
export const STATUS_USER = 1;
/** `TP_STATUS_KERNEL`: the block belongs to the kernel. */
export const STATUS_KERNEL = 0;

// `struct tpacket3_hdr`, in front of each packet
/** Offset of the next header from this one; 0 in the last header of a block. */
export const PACKET_NEXT = 0;
export const PACKET_SECONDS = 4;
export const PACKET_NANOSECONDS = 8;
export const PACKET_CAPTURED_LENGTH = 12;
export const PACKET_ORIGINAL_LENGTH = 16;
export const PACKET_STATUS = 20;
/** Offset of the link header from this header, 16 bits. */
export const PACKET_LINK_HEADER = 24;
/** The VLAN tag that was removed from the packet: 16 bits of 32. */
export const PACKET_VLAN_TCI = 32;
/** The EtherType of the VLAN tag, 16 bits. */
export const PACKET_VLAN_TPID = 36;
/** `TP_STATUS_VLAN_VALID`: there was a VLAN tag. */
export const VLAN_VALID = 0x10;
/** `TP_STATUS_VLAN_TPID_VALID` */
export const VLAN_TPID_VALID = 0x40;
