import type { Random } from "../../packet/random.js";

const KEYWORDS =
  `tcp udp sctp icmp icmp6 ip ip6 arp rarp ah esp igmp pim vrrp carp iso clnp esis ipx netbeui lsp snp csnp psnp l1 l2 iih
  atalk aarp lat multicast`.split(/\s+/);
/** Not for every link type, or not in every place. */
const RARE_KEYWORDS =
  "vlan,mpls,pppoed,pppoes,geneve,broadcast,inbound,outbound,llc,decnet,stp,ether multicast,ip multicast,on eth0,type mgt".split(
    ",",
  );
const DIRECTIONS = ["", "src ", "dst ", "src or dst ", "src and dst "];
const COMPARISONS = ["=", "!=", "<", ">", "<=", ">="];
const CALCULATIONS = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"];
/** Strings that are not pcap-filter expressions. */
const RUBBISH = [
  "(",
  ")",
  "[",
  "]",
  "\\",
  '"',
  "é",
  "\ud800",
  "\x7f",
  "$",
  "::",
  "9".repeat(300),
  "x".repeat(5000),
  "0x",
  "1.2.3",
  "@",
];

/** A pcap-filter expression of about `size` primitives; most of it is well-formed. */
export function randomExpression(random: Random, size: number): string {
  if (random.below(400) === 0) return random.pick(RUBBISH);
  if (size <= 1) return primitive(random);
  switch (random.below(8)) {
    case 0:
      return `not (${randomExpression(random, size - 1)})`;
    case 1:
      return idList(random, size);
    case 2: {
      const inner = randomExpression(random, size - 1);
      return random.below(2) === 0
        ? `(${inner})`
        : `${primitive(random)} or (${primitive(random)} and (${inner}))`;
    }
    default: {
      const left = 1 + random.below(size - 1);
      const connective = random.pick([" and ", " or ", " && ", " || "]);
      return `${group(random, left)}${connective}${group(random, size - left)}`;
    }
  }
}

function group(random: Random, size: number): string {
  const inner = randomExpression(random, size);
  return size > 1 && random.below(2) === 0 ? `(${inner})` : inner;
}

function idList(random: Random, size: number): string {
  const kind = random.pick(["port", "host", "portrange", "net"] as const);
  const ids = Array.from({ length: size }, () => operand(random, kind));
  return `${random.pick(DIRECTIONS)}${kind} (${ids.join(" or ")})`;
}

function primitive(random: Random): string {
  if (random.below(100) === 0) return random.pick(RARE_KEYWORDS);
  if (random.below(500) === 0) return random.pick(RUBBISH);
  const byte = () => random.below(256);
  const direction = random.pick(DIRECTIONS);
  switch (random.below(8)) {
    case 0:
      return random.pick(KEYWORDS);
    case 1:
      return `${arithmetic(random, 3)} ${random.pick(COMPARISONS)} ${arithmetic(random, 2)}`;
    case 2:
      return random.pick([
        `ip proto ${byte()}`,
        `ip6 proto ${byte()}`,
        `proto ${byte()}`,
        `ether proto 0x8${100 + byte()}`,
      ]);
    case 3:
      return `ether ${direction}host ${operand(random, "mac")}`;
    case 4:
      return `${random.pick(["", "ip ", "arp "])}${direction}host ${operand(random, "host")}`;
    default: {
      const kind = random.pick(["port", "portrange", "net"] as const);
      return `${kind === "net" ? "" : random.pick(["", "tcp ", "udp "])}${direction}${kind} ${operand(random, kind)}`;
    }
  }
}

function operand(random: Random, kind: "port" | "host" | "portrange" | "net" | "mac"): string {
  const byte = () => random.below(256);
  switch (kind) {
    case "port":
      return String(random.below(65_536));
    case "portrange":
      return `${random.below(30_000)}-${30_000 + random.below(35_000)}`;
    case "host":
      return `10.${byte()}.${byte()}.${byte()}`;
    case "mac":
      return `02:00:00:00:00:${10 + random.below(80)}`;
    default:
      return random.pick([`10.${byte()}.${byte()}.0/24`, `2001:db8:${byte()}::/48`, `10.${byte()}`]);
  }
}

function arithmetic(random: Random, depth: number): string {
  if (depth === 0 || random.below(3) === 0)
    return random.pick([String(random.below(2 ** 31)), "len", "0x7fffffff"]);
  const inner = () => arithmetic(random, depth - 1);
  if (random.below(2) === 0) return `(${inner()} ${random.pick(CALCULATIONS)} ${inner()})`;
  const layer = random.pick(["ether", "ip", "ip6", "tcp", "udp", "icmp", "icmp6", "link"]);
  return random.below(4) === 0
    ? `${layer}[${inner()}]`
    : `${layer}[${random.below(60)}:${random.pick([1, 2, 4])}]`;
}
