// PPP protocol numbers: https://www.iana.org/assignments/ppp-numbers
export const PPP_IPV4 = 0x0021;
export const PPP_IPV6 = 0x0057;

/**
 * HDLC-like framing: address and control, which may be omitted. The protocol follows; if the first of its two bytes is 0,
 * that byte may be omitted (https://www.rfc-editor.org/rfc/rfc1661#section-6.5,
 * https://www.rfc-editor.org/rfc/rfc1662#section-3.1).
 */
export const PPP_ADDRESS_CONTROL = 0xff03;
export const PPP_ADDRESS_CONTROL_LENGTH = 2;
/** Set in the last byte of a protocol only. */
export const PPP_LAST_BYTE = 0x01;

// PPPoE session packets: https://www.rfc-editor.org/rfc/rfc2516#section-4

export const PPPOE_SESSION_ETHERTYPE = 0x8864;
/** Version 1 and type 1; code 0. */
export const PPPOE_BYTES: readonly { readonly at: number; readonly value: number }[] = [
  { at: 0, value: 0x11 },
  { at: 1, value: 0x00 },
];
/** The protocol is never shortened here. */
export const PPPOE_PROTOCOL = 6;
/** Length with the protocol. */
export const PPPOE_LENGTH = 8;

// Cisco HDLC: https://www.tcpdump.org/linktypes/LINKTYPE_C_HDLC.html: address, control, EtherType

export const CISCO_HDLC_ETHERTYPE = 2;
export const CISCO_HDLC_LENGTH = 4;
