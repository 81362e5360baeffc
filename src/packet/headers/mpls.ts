// https://www.rfc-editor.org/rfc/rfc3032: label stack entries of four bytes. What follows the last one is not announced;
// IP is recognized by its version (https://www.rfc-editor.org/rfc/rfc4928).

/** MPLS, and MPLS with upstream-assigned labels (https://www.rfc-editor.org/rfc/rfc5332). */
export const MPLS_ETHERTYPES: readonly number[] = [0x8847, 0x8848];
/** The same in PPP. */
export const MPLS_PPP_PROTOCOLS: readonly number[] = [0x0281, 0x0283];
export const MPLS_LENGTH = 4;
/** The bit that marks the last entry. */
export const MPLS_BOTTOM_AT = 2;
export const MPLS_BOTTOM = 0x01;
