import { type NaivePacket, naiveParse } from "./naive.js";
import type { LinkPacket } from "./tcpdump.js";

const NULL = 0;
const ETHERNET = 1;
const AUTHENTICATION = 51;

/**
 * Where the expression matches more packets than the predicate, because pcap-filter cannot find the fields. It must never
 * match fewer: a kernel that filters by it would lose packets.
 */
export const WIDER: readonly {
  readonly name: string;
  readonly applies: (packet: LinkPacket, naive: NaivePacket | undefined) => boolean;
}[] = [
  {
    name: "extension headers: the expression cannot skip them, and matches if the addresses do",
    applies: (_, naive) =>
      (naive?.extensions ?? 0) > 0 || (naive?.family === 4 && naive.protocol === AUTHENTICATION),
  },
  {
    name: "BSD loopback: in a file libpcap knows one byte order, and of AF_INET6 only 24, 28 and 30",
    applies: ({ linkType, bytes }) => linkType === NULL && hexOf(bytes, 0, 4) !== "02000000",
  },
  {
    name: "OpenBSD loopback: of AF_INET6 libpcap knows only 24, 28 and 30",
    applies: ({ linkType, bytes }) => linkType === 108 && hexOf(bytes, 0, 4) !== "00000002",
  },
  {
    name: "VLAN tags behind a cooked header: libpcap rejects the keyword `vlan` there",
    applies: ({ linkType, bytes }) =>
      (linkType === 113 && TAGS.includes(hexOf(bytes, 14, 16))) ||
      (linkType === 276 && TAGS.includes(hexOf(bytes, 0, 2))),
  },
  {
    name: "encapsulations without a keyword",
    applies: ({ linkType, bytes }) =>
      (linkType === 113 && isMatchedWhole(bytes, 14)) ||
      (linkType === 276 && isMatchedWhole(bytes, 0)) ||
      (linkType === ETHERNET &&
        [12, 16, 20].some(
          (at, tags) =>
            isMatchedWhole(bytes, at) &&
            [12, 16].slice(0, tags).every((before) => TAGS.includes(hexOf(bytes, before, before + 2))),
        )),
  },
];
const TAGS = ["8100", "88a8", "9100", "9200", "9300"];
const NO_KEYWORD = ["9200", "9300", "8864", "8847", "8848"];

function isMatchedWhole(bytes: Uint8Array, at: number): boolean {
  return (
    Number.parseInt(hexOf(bytes, at, at + 2), 16) <= 1500 || NO_KEYWORD.includes(hexOf(bytes, at, at + 2))
  );
}

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.slice(start, end)).toString("hex");
}

/** Whether the expression may match a packet that the predicate does not match. */
export function isWider(packet: LinkPacket): boolean {
  const naive = naiveParse(packet.bytes, packet.linkType);
  return WIDER.some(({ applies }) => applies(packet, naive));
}
