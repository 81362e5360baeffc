// Tokens of pcap-filter text, in as much detail as needed to estimate the cost of an expression and to find the names
// that libpcap would resolve. The scanner follows libpcap's scanner.l; libpcap itself checks the grammar.

/** The kind of a token. */
export type TokenKind = "word" | "name" | "number" | "address4" | "address6" | "mac" | "operator" | "invalid";

/** A token and its position: from `start` up to, not including, `end`. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const PATTERNS: readonly { readonly kind: TokenKind; readonly pattern: RegExp }[] = [
  {
    kind: "mac",
    pattern:
      /\$[0-9A-Fa-f]{1,2}|[0-9A-Fa-f]{1,2}(?:[:.-][0-9A-Fa-f]{1,2}){5}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}/y,
  },
  { kind: "address6", pattern: /(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]+(?:\.[0-9]+){0,3}/y },
  { kind: "address4", pattern: /(?:0[xX][0-9A-Fa-f]+|[0-9]+)(?:\.(?:0[xX][0-9A-Fa-f]+|[0-9]+)){1,3}/y },
  { kind: "number", pattern: /0[xX][0-9A-Fa-f]+|[0-9]+/y },
  // A backslash makes a keyword a name.
  { kind: "name", pattern: /\\[^ !()\n\t]+/y },
  { kind: "name", pattern: /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y },
  { kind: "operator", pattern: /&&|\|\||<<|>>|[<>=!]=|[-+*/%&|^~()[\]:<>=!]/y },
];

const SPACE = /[ \r\n\t]+/y;

/**
 * Splits a text into tokens: the longest match at each position, and of equally long ones the first kind above. Linear
 * time.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let start = 0; start < text.length; ) {
    SPACE.lastIndex = start;
    if (SPACE.test(text)) {
      start = SPACE.lastIndex;
      continue;
    }
    const { kind, end } = longestAt(text, start);
    const piece = text.slice(start, end);
    tokens.push({ kind: kind === "name" && KEYWORDS.has(piece) ? "word" : kind, text: piece, start, end });
    start = end;
  }
  return tokens;
}

function longestAt(text: string, start: number): { kind: TokenKind; end: number } {
  let kind: TokenKind = "invalid";
  let end = start + 1;
  for (const { kind: candidate, pattern } of PATTERNS) {
    pattern.lastIndex = start;
    if (pattern.test(text) && (pattern.lastIndex > end || kind === "invalid")) {
      kind = candidate;
      end = pattern.lastIndex;
    }
  }
  return { kind, end };
}

/** Keywords of libpcap 1.10 (scanner.l). An older libpcap treats an unknown keyword as a name. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `dst src link ether ppp slip fddi tr wlan arp rarp ip sctp tcp udp icmp igmp igrp pim vrrp carp radio ip6 icmp6 ah esp
   atalk aarp decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui
   host net mask port portrange proto protochain gateway type subtype direction dir addr1 addr2 addr3 addr4
   address1 address2 address3 address4 ra ta less greater byte broadcast multicast and or not len length inbound outbound
   vlan mpls pppoed pppoes geneve vxlan lane metac bcc oam oamf4 oamf4ec oamf4sc ilmic sc vpi vci connectmsg metaconnect
   on ifname rset ruleset rnr rulenum srnr subrulenum reason action ifindex llc fisu lssu lsu msu hfisu hlssu hmsu
   sio opc dpc sls hsio hopc hdpc hsls
   icmptype icmpcode icmp-echoreply icmp-unreach icmp-sourcequench icmp-redirect icmp-echo icmp-routeradvert icmp-routersolicit
   icmp-timxceed icmp-paramprob icmp-tstamp icmp-tstampreply icmp-ireq icmp-ireqreply icmp-maskreq icmp-maskreply
   icmp6type icmp6code icmp6-destinationrunreach icmp6-packettoobig icmp6-timeexceeded icmp6-parameterproblem icmp6-echo
   icmp6-echoreply icmp6-multicastlistenerquery icmp6-multicastlistenerreportv1 icmp6-multicastlistenerdone
   icmp6-routersolicit icmp6-routeradvert icmp6-neighborsolicit icmp6-neighboradvert icmp6-redirect icmp6-routerrenum
   icmp6-nodeinformationquery icmp6-nodeinformationresponse icmp6-ineighbordiscoverysolicit icmp6-ineighbordiscoveryadvert
   icmp6-multicastlistenerreportv2 icmp6-homeagentdiscoveryrequest icmp6-homeagentdiscoveryreply icmp6-mobileprefixsolicit
   icmp6-mobileprefixadvert icmp6-certpathsolicit icmp6-certpathadvert icmp6-multicastrouteradvert
   icmp6-multicastroutersolicit icmp6-multicastroutertermination
   tcpflags tcp-fin tcp-syn tcp-rst tcp-push tcp-ack tcp-urg tcp-ece tcp-cwr`.split(/\s+/),
);

/** Keywords for the type of the operand that follows. */
export const TYPE_KEYWORDS: ReadonlySet<string> = new Set(
  "host net gateway port portrange proto protochain".split(" "),
);
