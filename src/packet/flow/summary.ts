import { icmpv4Name, icmpv6Name } from "./icmp-name.js";

/**
 * Flags in Hubble's order, which differs from that on the wire, and their bits in the argument of {@link tcpSummary}.
 */
const FLAG_ORDER: readonly (readonly [name: string, bit: number])[] = [
  ["SYN", 0x002],
  ["ACK", 0x010],
  ["RST", 0x004],
  ["FIN", 0x001],
  ["PSH", 0x008],
  ["URG", 0x020],
  ["ECE", 0x040],
  ["CWR", 0x080],
  ["NS", 0x100],
];

// Filled on demand: at most 512 entries for TCP, and 65,536 each for ICMPv4 and ICMPv6.
const tcpSummaries: (string | undefined)[] = Array.from({ length: 512 });
const icmpv4Summaries = new Map<number, string>();
const icmpv6Summaries = new Map<number, string>();

/**
 * `TCP Flags: SYN, ACK`; ends with a space if no flag is set. The ninth bit of `flags` is NS, the lower eight are as in
 * the header.
 */
export function tcpSummary(flags: number): string {
  let summary = tcpSummaries[flags];
  if (summary === undefined) {
    const names = FLAG_ORDER.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
    summary = `TCP Flags: ${names.join(", ")}`;
    tcpSummaries[flags] = summary;
  }
  return summary;
}

export function icmpv4Summary(type: number, code: number): string {
  return remember(icmpv4Summaries, (type << 8) | code, () => `ICMPv4 ${icmpv4Name(type, code)}`);
}

export function icmpv6Summary(type: number, code: number): string {
  return remember(icmpv6Summaries, (type << 8) | code, () => `ICMPv6 ${icmpv6Name(type, code)}`);
}

/** As in Cilium 1.19; ends with a space if the type has no name. */
export function igmpSummary(type: number): string {
  return `IGMP ${IGMP_TYPES[type] ?? ""}`;
}

export function vrrpSummary(type: number): string {
  return `VRRP ${type === 1 ? "VRRPv2 Advertisement" : ""}`;
}

const IGMP_TYPES: Readonly<Record<number, string>> = {
  17: "IGMP Membership Query",
  18: "IGMPv1 Membership Report",
  22: "IGMPv2 Membership Report",
  23: "Leave Group",
  34: "IGMPv3 Membership Report",
};

function remember(memo: Map<number, string>, key: number, make: () => string): string {
  let text = memo.get(key);
  if (text === undefined) {
    text = make();
    memo.set(key, text);
  }
  return text;
}
