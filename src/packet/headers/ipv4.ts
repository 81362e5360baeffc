// https://www.rfc-editor.org/rfc/rfc791#section-3.1

/** The lower four bits of the first byte: length of the header in units of 4 bytes. */
export const IPV4_HEADER_WORDS = 0x0f;
/** 0 if segmentation is offloaded to the network card. */
export const IPV4_TOTAL_LENGTH = 2;
/** Three flags and {@link IPV4_FRAGMENT_OFFSET}. */
export const IPV4_FLAGS_OFFSET = 6;
/** Offset in units of 8 bytes. Only the first fragment (offset 0) contains the transport header. */
export const IPV4_FRAGMENT_OFFSET = 0x1fff;
export const IPV4_PROTOCOL = 9;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;
/** Length without options. */
export const IPV4_MIN_LENGTH = 20;
