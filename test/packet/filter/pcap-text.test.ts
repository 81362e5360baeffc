import { describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import { formatPacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { everyNth, nth } from "../../support/amount.js";
import { describeWithPrograms } from "../../support/shared.js";
import { compileByTcpdump } from "../tcpdump.js";
import { ANY_V4, ANY_V6, RAW } from "./matches.js";

const V4 = "ip and ip[0] & 0xf0 == 0x40 and ip[0] & 0x0f >= 5 and ip[((ip[0] & 0x0f) << 2) - 1] != 256";
const V6 = "ip6 and ip6[0] & 0xf0 == 0x60 and ip6[39] != 256";
const CHAIN = [0, 43, 44, 51, 60, 135].map((number) => `ip6[6] == ${number}`).join(" or ");

const MATCH_ALL = [
  "ether proto 0x9200",
  "ether proto 0x9300",
  "llc",
  "ether proto 0x8864",
  "ether proto 0x8847",
  "ether proto 0x8848",
].join(" or ");

/** Live, `vlan` is also true of a tag in the metadata of a packet. */
const TAGGED = "(ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100) and vlan";

describe("formatPacketFilter", () => {
  test.each<{ name: string; include: readonly PacketFilterInit[]; text: string }>([
    { name: "all of IPv4", include: [ANY_V4], text: `(${V4})` },
    { name: "all of IPv6", include: [ANY_V6], text: `(${V6})` },
    { name: "all of both, in any order", include: [ANY_V6, ANY_V4], text: `(${V4}) or (${V6})` },
    {
      name: "prefixes without host bits",
      include: [{ sourceCidr: "10.1.2.3/8", destinationCidr: "192.168.1.1/32" }],
      text: `(${V4} and ((ip src net 10.0.0.0/8 and ip dst net 192.168.1.1/32)))`,
    },
    {
      name: "a mapped prefix as IPv4",
      include: [{ sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: "0.0.0.0/0" }],
      text: `(${V4} and ((ip src net 10.0.0.0/8)))`,
    },
    {
      name: "an IPv6 prefix",
      include: [{ sourceCidr: "::/0", destinationCidr: "FE80::1/10" }],
      text: `(${V6} and ((ip6 dst net fe80::/10)))`,
    },
    {
      name: "zero host bits as an upper bound",
      include: [{ sourceCidr: "0.0.0.0/1", destinationCidr: "0.0.0.0/31" }],
      text: `(${V4} and ((ip[12:4] <= 0x7fffffff and ip[16:4] <= 0x1)))`,
    },
    {
      name: "zero host bits of IPv6 as an upper bound",
      include: [{ sourceCidr: "2001:db8::/48", destinationCidr: "::/97" }],
      text: `(${V6} and ((ip6 src net 2001:db8::/32 and ip6[12:4] <= 0xffff and ip6 dst net ::/96 and ip6[36:4] <= 0x7fffffff)))`,
    },
    {
      name: "a 32-bit word of zeros unchanged",
      include: [{ sourceCidr: "2001:db8::/64", destinationCidr: "::/32" }],
      text: `(${V6} and ((ip6 src net 2001:db8::/64 and ip6 dst net ::/32)))`,
    },
    {
      name: "a protocol",
      include: [{ ...ANY_V4, protocol: 1 }],
      text: `(${V4} and (((ip[9] == 1 or ip[9] == 51))))`,
    },
    {
      name: "a protocol of IPv6, also after extension headers",
      include: [{ ...ANY_V6, protocol: 58 }],
      text: `(${V6} and (((ip6[6] == 58 or ${CHAIN}))))`,
    },
    {
      name: "a destination port of a protocol",
      include: [{ ...ANY_V4, protocol: 6, destinationPort: 80 }],
      text: `(${V4} and (((((tcp dst port 80)) or ip[9] == 51))))`,
    },
    {
      name: "a source port, with both captured",
      include: [{ ...ANY_V4, protocol: 17, sourcePort: 53 }],
      text: `(${V4} and (((((udp src port 53 and udp[3] != 256)) or ip[9] == 51))))`,
    },
    {
      name: "a source port of IPv6, with both captured",
      include: [{ ...ANY_V6, protocol: 132, sourcePort: 53 }],
      text: `(${V6} and (((((sctp src port 53 and ip6[43] != 256)) or ${CHAIN}))))`,
    },
    {
      name: "both ports of any protocol",
      include: [{ ...ANY_V4, sourcePort: 1, destinationPort: 2 }],
      text:
        `(${V4} and (((((tcp src port 1 and tcp dst port 2) or (udp src port 1 and udp dst port 2) or ` +
        "(sctp src port 1 and sctp dst port 2)) or ip[9] == 51))))",
    },
    {
      name: "a port of a protocol without ports, which never matches",
      include: [{ ...ANY_V4, protocol: 1, destinationPort: 80 }],
      text: `(${V4} and (((ip[9] == 256 or ip[9] == 51))))`,
    },
    {
      name: "filters with ports after those without",
      include: [
        { ...ANY_V4, protocol: 6, destinationPort: 80 },
        { ...ANY_V4, protocol: 1 },
      ],
      text: `(${V4} and (((ip[9] == 1 or ip[9] == 51)) or ((((tcp dst port 80)) or ip[9] == 51))))`,
    },
    {
      name: "a filter that matches everything, and others that it covers",
      include: [{ ...ANY_V4, protocol: 1 }, ANY_V4],
      text: `(${V4})`,
    },
  ])("writes $name", ({ include, text }) => {
    expect(formatPacketFilter(include, { linkType: RAW })).toBe(text);
    // On Ethernet with alternatives for one and two tags in the bytes, and for what libpcap cannot enter.
    const any = `${text} or ${MATCH_ALL}`;
    const onEthernet = `${any} or (${TAGGED} and (${any} or (${TAGGED} and (${any}))))`;
    expect(formatPacketFilter(include)).toBe(onEthernet);
    expect(formatPacketFilter(include, { linkType: 1 })).toBe(onEthernet);
  });

  test("throws the same issues as compilePacketFilter", () => {
    expect(() => formatPacketFilter([])).toThrow(FilterError);
    expect(() => formatPacketFilter([{ ...ANY_V4, sourcePort: 65_536 }])).toThrow(
      "include[0].source_port: source port 65536 out of range",
    );
  });
});

describeWithPrograms("formatPacketFilter: libpcap", ["tcpdump"], () => {
  const LINK_TYPES = [
    { name: "EN10MB", linkType: 1 },
    { name: "NULL", linkType: 0 },
    { name: "LOOP", linkType: 108 },
    { name: "RAW", linkType: 101 },
    { name: "RAW", linkType: 12 },
    { name: "LINUX_SLL", linkType: 113 },
    { name: "LINUX_SLL2", linkType: 276 },
    { name: "IPV4", linkType: 228, family: 4 },
    { name: "IPV6", linkType: 229, family: 6 },
  ];
  const SHAPES: readonly Omit<PacketFilterInit, "$typeName" | "$unknown">[] = [
    {},
    { protocol: 1 },
    { protocol: 255 },
    { protocol: 6, destinationPort: 80 },
    { protocol: 17, sourcePort: 53 },
    { protocol: 132, sourcePort: 1, destinationPort: 65_535 },
    { sourcePort: 53 },
    { protocol: 58, sourcePort: 1 },
  ];
  /** No divisor of the number of prefixes, so that each of them has a turn. */
  const STEP = 8;
  const PREFIXES = {
    4: ["0.0.0.0/0", "10.0.0.0/8", "0.0.0.0/3", "255.255.255.255/32"],
    6: ["::/0", "2001:db8::/48", "fe80::1/128", "::1:2:3/97", "::/1"],
  } as const;

  test.each(LINK_TYPES)(
    `compiles every shape of filter for $name ($linkType)${nth(STEP)}`,
    async ({ name, linkType, family }) => {
      for (const own of [4, 6] as const) {
        if (family !== undefined && family !== own) continue;
        const [any, ...others] = PREFIXES[own];
        const include = SHAPES.flatMap((shape) =>
          [any, ...others].map((sourceCidr) => ({ ...shape, sourceCidr, destinationCidr: others[0] ?? any })),
        );
        for (const filter of everyNth(STEP, include)) {
          const program = await compileByTcpdump(name, formatPacketFilter([filter], { linkType }));
          expect(program).toMatch(/ret +#262144/);
        }
        expect(await compileByTcpdump(name, formatPacketFilter(include, { linkType }))).toMatch(/ret/);
      }
      expect(await compileByTcpdump(name, formatPacketFilter([ANY_V4, ANY_V6], { linkType }))).toMatch(/ret/);
    },
  );

  // formatPacketFilter does not write what libpcap rejects. If libpcap changes, the expression may change, too.
  test.each([
    {
      name: "filters of the other family alone",
      linkTypeName: "IPV4",
      text: () => formatPacketFilter([ANY_V6], { linkType: 228 }),
      refusal: "expression rejects all packets",
    },
    {
      name: "the primitive vlan after a cooked header",
      linkTypeName: "LINUX_SLL",
      text: () => "vlan",
      refusal: "no VLAN support for Linux cooked v1",
    },
    {
      name: "the primitive vlan after a cooked header, version 2",
      linkTypeName: "LINUX_SLL2",
      text: () => "vlan",
      refusal: "no VLAN support for Linux cooked v2",
    },
  ])("libpcap rejects $name", async ({ linkTypeName, text, refusal }) => {
    await expect(compileByTcpdump(linkTypeName, text())).rejects.toThrow(refusal);
  });
});
