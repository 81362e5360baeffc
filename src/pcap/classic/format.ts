// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html#section-4
export const PCAP_HEADER_LENGTH = 24;
export const PCAP_VERSION_MAJOR = 4;
export const PCAP_VERSION_MINOR = 6;
export const PCAP_THIS_ZONE = 8;
export const PCAP_SIG_FIGS = 12;
export const PCAP_SNAP_LENGTH = 16;
export const PCAP_LINK_TYPE = 20;

export const PCAP_MAGIC_US = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;

/** The bits of the link type itself; those above are reserved (10) or describe the frame check sequence (6). */
export const PCAP_LINK_TYPE_BITS = 0x0000ffff;
export const PCAP_RESERVED_BITS = 0x03ff0000;

/** Up to this minor version the original length precedes the captured length; in 2.3 either order occurs. */
export const PCAP_LAST_SWAPPED_MINOR = 2;
export const PCAP_AMBIGUOUS_MINOR = 3;
export const PCAP_CURRENT_MINOR = 4;
