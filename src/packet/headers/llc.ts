// IEEE 802.2 LLC with SNAP, as IP uses it: https://www.rfc-editor.org/rfc/rfc1042. Follows a length instead of an
// EtherType (IEEE 802.3), or an 802.11 header.

/** Destination and source SAP, "unnumbered information", and the organization whose numbers are EtherTypes. */
export const SNAP_BYTES: readonly { readonly at: number; readonly value: number }[] = [
  0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00,
].map((value, at) => ({ at, value }));
export const SNAP_ETHERTYPE = 6;
export const SNAP_LENGTH = 8;
