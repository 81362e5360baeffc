// https://www.rfc-editor.org/rfc/rfc8200#section-3

/** 0 in jumbograms (https://www.rfc-editor.org/rfc/rfc2675#section-2). */
export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;
export const IPV6_LENGTH = 40;

// Extension headers: https://www.rfc-editor.org/rfc/rfc8200#section-4. Each begins with the number of the next header;
// the second byte is the length.
export const HOP_BY_HOP = 0;
const ROUTING = 43;
export const FRAGMENT = 44;
/** Also follows IPv4 headers. */
export const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
/** The next-header numbers that the decoders skip. */
export const EXTENSION_HEADER_NUMBERS: readonly number[] = [
  HOP_BY_HOP,
  ROUTING,
  FRAGMENT,
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  MOBILITY,
];
/** Every extension header has at least this many bytes. */
export const EXTENSION_MIN_LENGTH = 8;
/** Maximum number of extension headers that filters skip; with more, the protocol is unknown. */
export const MAX_EXTENSION_HEADERS = 8;

export const FRAGMENT_LENGTH = 8;
/** In the 16 bits at this offset: 13 bits of offset, two reserved ones, and the flag "more fragments". */
export const FRAGMENT_FLAGS_OFFSET = 2;
export const IPV6_FRAGMENT_OFFSET = 0xfff8;

/** Whether a next-header number is one of {@link EXTENSION_HEADER_NUMBERS}. */
export function isExtension(header: number): boolean {
  switch (header) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
      return true;
    default:
      return false;
  }
}

/**
 * Length of an extension header in bytes. The length field counts units of 8 bytes after the first 8, in AH units of 4
 * (https://www.rfc-editor.org/rfc/rfc4302#section-2.2).
 */
export function extensionLength(header: number, units: number): number {
  if (header === FRAGMENT) return FRAGMENT_LENGTH;
  if (header === AUTHENTICATION) return (units + 2) << 2;
  return (units + 1) << 3;
}
