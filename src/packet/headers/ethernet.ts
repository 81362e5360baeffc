// IEEE 802.3 and 802.1Q. EtherTypes: https://www.iana.org/assignments/ieee-802-numbers

/** Destination address, source address, then the EtherType of the payload. */
export const MAC_DESTINATION = 0;
export const MAC_SOURCE = 6;
export const ETHERTYPE = 12;
export const ETHERNET_LENGTH = 14;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
/** Transparent Ethernet bridging: an Ethernet frame as payload. */
export const ETHERTYPE_BRIDGED = 0x6558;
/** A lower number is the length of the payload, not an EtherType. */
export const ETHERTYPE_MIN = 0x0600;
/** Maximum length of the payload. */
export const MAX_LENGTH = 1500;

/** EtherTypes of VLAN tags: 802.1Q, 802.1ad, and those in use before 802.1ad was standardized. */
export const VLAN_ETHERTYPES: readonly number[] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];
/** A VLAN tag: priority and VLAN identifier, then the EtherType of the payload. */
export const VLAN_NEXT = 2;
export const VLAN_LENGTH = 4;
