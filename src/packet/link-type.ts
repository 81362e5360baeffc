import { checkArgument } from "../errors/check-argument.js";
import { aNumber } from "../errors/value-checks.js";
import { LINK_TYPE_LIST } from "./headers/link-types.js";

export * from "./link-type-numbers.js";

const SUPPORTED_NAMES: ReadonlyMap<number, string> = new Map(
  LINK_TYPE_LIST.flatMap(({ name, numbers }) => numbers.map((number) => [number, name] as const)),
);

/** Names of common unsupported link types: https://www.tcpdump.org/linktypes.html */
const OTHER_NAMES: ReadonlyMap<number, string> = new Map([
  [6, "IEEE802_5"],
  [8, "SLIP"],
  [10, "FDDI"],
  [50, "PPP_HDLC"],
  [51, "PPP_ETHER"],
  [100, "ATM_RFC1483"],
  [107, "FRELAY"],
  [117, "PFLOG"],
  [119, "IEEE802_11_PRISM"],
  [122, "IP_OVER_FC"],
  [163, "IEEE802_11_AVS"],
  [166, "PPP_PPPD"],
  [187, "BLUETOOTH_HCI_H4"],
  [189, "USB_LINUX"],
  [195, "IEEE802_15_4_WITHFCS"],
  [201, "BLUETOOTH_HCI_H4_WITH_PHDR"],
  [204, "PPP_WITH_DIR"],
  [220, "USB_LINUX_MMAPPED"],
  [227, "CAN_SOCKETCAN"],
  [230, "IEEE802_15_4_NOFCS"],
  [231, "DBUS"],
  [247, "INFINIBAND"],
  [249, "USBPCAP"],
  [252, "WIRESHARK_UPPER_PDU"],
  [253, "NETLINK"],
]);
/** First of 16 link types for private use. */
const LINKTYPE_USER0 = 147;
const LINKTYPE_USER15 = 162;

/** Name of a link type for messages: `Ethernet`, `LINKTYPE_PPP (9)`, or `link type 300` if it has no known name. */
export function linkTypeName(linkType: number): string {
  checkArgument("linkTypeName", "linkType", linkType, aNumber);
  const supported = SUPPORTED_NAMES.get(linkType);
  if (supported !== undefined) return supported;
  const name =
    linkType >= LINKTYPE_USER0 && linkType <= LINKTYPE_USER15
      ? `USER${linkType - LINKTYPE_USER0}`
      : OTHER_NAMES.get(linkType);
  return name === undefined ? `link type ${linkType}` : `LINKTYPE_${name} (${linkType})`;
}

/**
 * Whether packets of this link type can be decoded. Packets of other link types match no packet filter, and their flows
 * have no decoded fields but the time; {@link FlowDecoderStats.unsupportedLinkTypes} counts them.
 *
 * @example
 * const unsupported = source.interfaces.filter(({ linkType }) => !isSupportedLinkType(linkType));
 */
export function isSupportedLinkType(linkType: number): boolean {
  if (typeof linkType !== "number") checkArgument("isSupportedLinkType", "linkType", linkType, aNumber);
  return SUPPORTED_NAMES.has(linkType);
}

/** Maximum snap length, and so maximum captured length of a packet in bytes, for most link types (as in libpcap). */
export const MAX_CAPTURED_LENGTH = 262_144;

const MEBIBYTE = 1024 * 1024;
const LARGER: ReadonlyMap<number, number> = new Map([
  [220, 128 * MEBIBYTE], // USB, memory-mapped by Linux
  [231, 128 * MEBIBYTE], // D-Bus
  [249, 128 * MEBIBYTE], // USBPcap
  [279, 8 * MEBIBYTE], // EBHSCR
]);

/**
 * Maximum captured length in bytes that is accepted in a file: {@link MAX_CAPTURED_LENGTH}, or more for the few link
 * types with longer packets. The bounds are libpcap's (pcap-common.c, `max_snaplen_for_dlt`).
 */
export function maxCapturedLength(linkType: number): number {
  if (typeof linkType !== "number") checkArgument("maxCapturedLength", "linkType", linkType, aNumber);
  return LARGER.get(linkType) ?? MAX_CAPTURED_LENGTH;
}
