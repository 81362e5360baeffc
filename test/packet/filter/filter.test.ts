import { create, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import { FilterSchema, type Protocol } from "../../../src/gen/recorder/recorder_pb.js";
import { parsePacketFilters } from "../../../src/packet/filter/check.js";
import { checkPacketFilter, compilePacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { amount, runs } from "../../support/amount.js";
import { anyFilter, packetWithLinkType } from "../arbitrary.js";
import {
  authentication,
  bytes,
  cookedV1,
  ethernet,
  fragment,
  IPV4,
  IPV6,
  ipv4,
  ipv6,
  ipv6Chain,
  options,
  ports,
  SOURCE_V6,
  tag,
} from "../build.js";
import { naiveParse, naivePredicate } from "../naive.js";

const ETHERNET = 1;
const RAW = 101;
const SLL = 113;

const ANY_V4 = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };
const ANY_V6 = { sourceCidr: "::/0", destinationCidr: "::/0" };

function matches(include: readonly PacketFilterInit[], packet: Uint8Array, linkType: number = RAW): boolean {
  return compilePacketFilter(include)(packet, 0, packet.length, linkType);
}

interface Row {
  readonly name: string;
  readonly filter: PacketFilterInit;
  readonly packet: Uint8Array;
  readonly linkType?: number;
  readonly matches: boolean;
}

function row(
  name: string,
  matching: boolean,
  filter: PacketFilterInit,
  packet: Uint8Array,
  linkType = RAW,
): Row {
  return { name, filter, packet, linkType, matches: matching };
}

describe("compilePacketFilter: network header (rule 1)", () => {
  test.each([
    row("matches in Ethernet", true, ANY_V4, ethernet(IPV4, ipv4()), ETHERNET),
    row("skips one VLAN tag", true, ANY_V4, ethernet(0x8100, tag(IPV4, ipv4())), ETHERNET),
    row("skips two VLAN tags", true, ANY_V6, ethernet(0x88a8, tag(0x9100, tag(IPV6, ipv6()))), ETHERNET),
    row(
      "does not skip a third VLAN tag",
      false,
      ANY_V4,
      ethernet(0x8100, tag(0x8100, tag(0x8100, tag(IPV4, ipv4())))),
      ETHERNET,
    ),
    row("skips a VLAN tag after a cooked header", true, ANY_V4, cookedV1(0x8100, tag(IPV4, ipv4())), SLL),
    row("never matches ARP", false, ANY_V4, ethernet(0x0806, ipv4()), ETHERNET),
    row("never matches an empty packet", false, ANY_V4, bytes(), ETHERNET),
    row("never matches an unknown link type", false, ANY_V4, ipv4(), 147),
  ])("$name", ({ filter, packet, linkType, matches: expected }) => {
    expect(matches([filter], packet, linkType)).toBe(expected);
  });
});

describe("compilePacketFilter: IP header (rule 2)", () => {
  test.each([
    row(
      "never matches IPv4 truncated inside its options",
      false,
      ANY_V4,
      ipv4({ options: "01010101" }).slice(0, 23),
    ),
    row("never matches IPv4 with a header of 16 bytes", false, ANY_V4, ipv4({ headerWords: 4 })),
    row("never matches IPv6 of 39 bytes", false, ANY_V6, ipv6().slice(0, 39)),
    row("matches IPv6 of 40 bytes", true, ANY_V6, ipv6().slice(0, 40)),
    row("never matches IP version 5", false, ANY_V4, ipv4({ version: 5 })),
    row("never matches IPv6 under the IPv4 EtherType", false, ANY_V6, ethernet(IPV4, ipv6()), ETHERNET),
    row("never matches IPv4 under the IPv6 EtherType", false, ANY_V4, ethernet(IPV6, ipv4()), ETHERNET),
  ])("$name", ({ filter, packet, linkType, matches: expected }) => {
    expect(matches([filter], packet, linkType)).toBe(expected);
  });
});

describe("compilePacketFilter: addresses (rule 3)", () => {
  const packet = ipv4({ source: "10.1.2.3", destination: "192.168.255.1" });
  const packetV6 = ipv6({ source: SOURCE_V6, destination: "fe80000000000000000000ff00000001" });
  const mapped = ipv6({
    source: "00000000000000000000ffff0a010203",
    destination: "00000000000000000000ffffc0a8ff01",
  });
  const tunnel = ipv4({ protocol: 4, source: "172.16.0.1", destination: "172.16.0.2" }, packet);
  const any = "0.0.0.0/0";
  test.each([
    row("the source itself", true, { sourceCidr: "10.1.2.3/32", destinationCidr: any }, packet),
    row("not another source", false, { sourceCidr: "10.1.2.4/32", destinationCidr: any }, packet),
    row("not the source as destination", false, { sourceCidr: any, destinationCidr: "10.1.2.3/32" }, packet),
    row("the destination itself", true, { sourceCidr: any, destinationCidr: "192.168.255.1/32" }, packet),
    row("not another destination", false, { sourceCidr: any, destinationCidr: "192.168.255.0/32" }, packet),
    row("a prefix of each", true, { sourceCidr: "10.0.0.0/8", destinationCidr: "192.168.0.0/16" }, packet),
    row(
      "a prefix that ends at the compared bit",
      true,
      { sourceCidr: any, destinationCidr: "192.168.128.0/17" },
      packet,
    ),
    row("a prefix one bit too long", false, { sourceCidr: any, destinationCidr: "192.168.0.0/17" }, packet),
    row("a prefix of one bit", true, { sourceCidr: any, destinationCidr: "128.0.0.0/1" }, packet),
    row("masks host bits", true, { sourceCidr: "10.255.255.255/8", destinationCidr: any }, packet),
    row("does not match IPv6 by an IPv4 filter", false, ANY_V4, packetV6),
    row("does not match IPv4 by an IPv6 filter", false, ANY_V6, packet),
    row("an IPv6 source", true, { sourceCidr: "2001:db8::1/128", destinationCidr: "::/0" }, packetV6),
    row(
      "does not match another IPv6 source",
      false,
      { sourceCidr: "2001:db8::2/128", destinationCidr: "::/0" },
      packetV6,
    ),
    row("an IPv6 prefix", true, { sourceCidr: "2001:db8::/32", destinationCidr: "fe80::/10" }, packetV6),
    row(
      "matches an IPv6 prefix that ends inside a 32-bit word",
      true,
      { sourceCidr: "::/0", destinationCidr: "fe80::f0:0:0/88" },
      packetV6,
    ),
    row(
      "not an IPv6 prefix that differs in one bit",
      false,
      { sourceCidr: "::/0", destinationCidr: "fe80::7f:0:0/89" },
      packetV6,
    ),
    row(
      "masks host bits of IPv6",
      true,
      { sourceCidr: "2001:db8::ffff/64", destinationCidr: "::/0" },
      packetV6,
    ),
    row(
      "reads an IPv4-mapped prefix as the IPv4 prefix",
      true,
      { sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: "::ffff:192.168.0.0/112" },
      packet,
    ),
    row(
      "reads an IPv4-mapped /96 as all of IPv4",
      true,
      { sourceCidr: "::ffff:0:0/96", destinationCidr: any },
      packet,
    ),
    row(
      "does not match mapped addresses in IPv6 by an IPv4-mapped prefix",
      false,
      { sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: any },
      mapped,
    ),
    row("matches mapped addresses in IPv6 by ::/0", true, ANY_V6, mapped),
    row("does not decode tunnels", false, { sourceCidr: "10.0.0.0/8", destinationCidr: any }, tunnel),
    row(
      "compares the outer header of a tunnel",
      true,
      { sourceCidr: "172.16.0.0/16", destinationCidr: any },
      tunnel,
    ),
  ])("$name", ({ filter, packet: given, matches: expected }) => {
    expect(matches([filter], given)).toBe(expected);
  });
});

describe("compilePacketFilter: protocol (rule 4)", () => {
  const chain = ipv6Chain([
    options(0),
    options(43),
    fragment(1),
    authentication(1),
    options(60),
    options(135),
  ]);
  const eight = ipv6Chain(Array.from({ length: 8 }, () => options(60)));
  const nine = ipv6Chain(Array.from({ length: 9 }, () => options(60)));
  const cut = ipv6Chain([options(0)]).slice(0, 47);
  const later = ipv6Chain([fragment(8)], 17);
  const authenticated = ipv4({ protocol: 51 }, bytes("0601 0000 00000001 00000001", ports()));
  test.each([
    row("0 is any", true, { ...ANY_V4, protocol: 0 }, ipv4({ protocol: 200 })),
    row("of IPv4, from the header", true, { ...ANY_V4, protocol: 200 }, ipv4({ protocol: 200 })),
    row("not another", false, { ...ANY_V4, protocol: 17 }, ipv4({ protocol: 6 })),
    row("ICMP", true, { ...ANY_V4, protocol: 1 }, ipv4({ protocol: 1 })),
    row("255", true, { ...ANY_V4, protocol: 255 }, ipv4({ protocol: 255 })),
    row("not AH, which is skipped", false, { ...ANY_V4, protocol: 51 }, authenticated),
    row("after AH in IPv4", true, { ...ANY_V4, protocol: 6, destinationPort: 80 }, authenticated),
    row("of a later fragment of AH", true, { ...ANY_V4, protocol: 51 }, ipv4({ protocol: 51, fragment: 1 })),
    row("of IPv6, from the header", true, { ...ANY_V6, protocol: 17 }, ipv6({ nextHeader: 17 })),
    row("after one of each extension header", true, { ...ANY_V6, protocol: 6 }, chain),
    row("not the first extension header", false, { ...ANY_V6, protocol: 43 }, chain),
    row("after eight extension headers", true, { ...ANY_V6, protocol: 6 }, eight),
    row("unknown after nine extension headers", false, { ...ANY_V6, protocol: 6 }, nine),
    row("the ninth header is not the protocol", false, { ...ANY_V6, protocol: 60 }, nine),
    row("any matches an unknown protocol", true, ANY_V6, nine),
    row("unknown if the header is truncated", false, { ...ANY_V6, protocol: 6 }, cut),
    row("any matches if the header is truncated", true, ANY_V6, cut),
    row("a port never matches an unknown protocol", false, { ...ANY_V6, sourcePort: 1000 }, nine),
    row("ESP", true, { ...ANY_V6, protocol: 50 }, ipv6Chain([options(60)], 50)),
    row("no next header", true, { ...ANY_V6, protocol: 59 }, ipv6Chain([options(60)], 59)),
    row("of a later fragment", true, { ...ANY_V6, protocol: 17 }, later),
  ])("$name", ({ filter, packet, matches: expected }) => {
    expect(matches([filter], packet)).toBe(expected);
  });
});

describe("compilePacketFilter: ports (rule 5)", () => {
  const tcp = ipv4({ protocol: 6 }, ports(1000, 80));
  const both = { sourcePort: 1000, destinationPort: 80 };
  test.each([
    row("a source port", true, { ...ANY_V4, sourcePort: 1000 }, tcp),
    row("not another source port", false, { ...ANY_V4, sourcePort: 1001 }, tcp),
    row("a destination port", true, { ...ANY_V4, destinationPort: 80 }, tcp),
    row("not another destination port", false, { ...ANY_V4, destinationPort: 81 }, tcp),
    row("both", true, { ...ANY_V4, ...both }, tcp),
    row("not the source port alone", false, { ...ANY_V4, ...both, destinationPort: 81 }, tcp),
    row("not the destination port alone", false, { ...ANY_V4, ...both, sourcePort: 1 }, tcp),
    row("not the reverse direction", false, { ...ANY_V4, sourcePort: 80, destinationPort: 1000 }, tcp),
    row("all 16 bits", true, { ...ANY_V4, sourcePort: 65_535 }, ipv4({}, ports(65_535))),
    row("compares the high byte", false, { ...ANY_V4, sourcePort: 1000 }, ipv4({}, ports(1000 & 255))),
    row("compares the low byte", false, { ...ANY_V4, sourcePort: 1000 }, ipv4({}, ports(1000 & ~255))),
    row("of UDP", true, { ...ANY_V4, ...both }, ipv4({ protocol: 17 })),
    row("of SCTP", true, { ...ANY_V4, ...both }, ipv4({ protocol: 132 })),
    row("with the protocol", true, { ...ANY_V4, ...both, protocol: 132 }, ipv4({ protocol: 132 })),
    row("not with another protocol", false, { ...ANY_V4, ...both, protocol: 6 }, ipv4({ protocol: 132 })),
    row("ICMP has no ports", false, { ...ANY_V4, sourcePort: 1000 }, ipv4({ protocol: 1 })),
    row(
      "never matches ICMP by a port",
      false,
      { ...ANY_V4, sourcePort: 1000, protocol: 1 },
      ipv4({ protocol: 1 }),
    ),
    row("a port of 0 matches any port", true, { ...ANY_V4, sourcePort: 0 }, tcp),
    row("a port filter does not match port 0", false, { ...ANY_V4, sourcePort: 1 }, ipv4({}, ports(0, 0))),
    row("a later fragment has no ports", false, { ...ANY_V4, ...both }, ipv4({ fragment: 1 })),
    row("a first fragment has ports", true, { ...ANY_V4, ...both }, ipv4({ fragment: 0x2000 })),
    row("a later IPv6 fragment has no ports", false, { ...ANY_V6, ...both }, ipv6Chain([fragment(8)])),
    row("a first IPv6 fragment has ports", true, { ...ANY_V6, ...both }, ipv6Chain([fragment(1)])),
    row("after IPv4 options", true, { ...ANY_V4, ...both }, ipv4({ options: "01010101" })),
    row("unknown if truncated to 3 bytes", false, { ...ANY_V4, sourcePort: 1000 }, tcp.slice(0, 23)),
    row("known if truncated to 4 bytes", true, { ...ANY_V4, ...both }, tcp.slice(0, 24)),
    row(
      "without ports in the filter, ports are not required",
      true,
      { ...ANY_V4, protocol: 6 },
      tcp.slice(0, 20),
    ),
  ])("$name", ({ filter, packet, matches: expected }) => {
    expect(matches([filter], packet)).toBe(expected);
  });
});

describe("compilePacketFilter: lists of filters (rule 6)", () => {
  const toWeb = { ...ANY_V4, destinationPort: 80, protocol: 6 };
  const dns = { ...ANY_V4, destinationPort: 53, protocol: 17 };
  test("matches if any filter of the list matches", () => {
    expect(matches([dns, toWeb], ipv4())).toBe(true);
    expect(matches([toWeb, dns], ipv4({ protocol: 17 }, ports(1, 53)))).toBe(true);
    expect(matches([toWeb, dns], ipv4({ protocol: 17 }))).toBe(false);
  });

  test("accepts IPv4 and IPv6 filters in one list", () => {
    const include = [ANY_V6, toWeb];
    expect(matches(include, ipv6())).toBe(true);
    expect(matches(include, ipv4())).toBe(true);
    expect(matches(include, ipv4({}, ports(1, 2)))).toBe(false);
  });

  test("matches alike for a message and its init object", () => {
    expect(matches([create(FilterSchema, toWeb)], ipv4())).toBe(true);
    expect(matches([create(FilterSchema, toWeb)], ipv4({ protocol: 17 }))).toBe(false);
  });
});

describe("compilePacketFilter: invalid filters", () => {
  const good = { ...ANY_V4 };
  test.each<{
    name: string;
    include: readonly PacketFilterInit[];
    issues: readonly (readonly [string, string])[];
  }>([
    { name: "no filter", include: [], issues: [["include", "need to specify at least one include filter"]] },
    {
      name: "no CIDR",
      include: [{}],
      issues: [
        ["include[0].source_cidr", 'failed to parse source cidr "": invalid CIDR address: '],
        ["include[0].destination_cidr", 'failed to parse destination cidr "": invalid CIDR address: '],
      ],
    },
    {
      name: "an address without a length",
      include: [good, { ...good, sourceCidr: "10.0.0.1" }],
      issues: [
        ["include[1].source_cidr", 'failed to parse source cidr "10.0.0.1": invalid CIDR address: 10.0.0.1'],
      ],
    },
    {
      name: "a length of 33",
      include: [{ ...good, destinationCidr: "10.0.0.0/33" }],
      issues: [
        [
          "include[0].destination_cidr",
          'failed to parse destination cidr "10.0.0.0/33": invalid CIDR address: 10.0.0.0/33',
        ],
      ],
    },
    {
      name: "quoted as Go quotes",
      include: [{ ...good, sourceCidr: 'a"\n' }],
      issues: [
        ["include[0].source_cidr", 'failed to parse source cidr "a\\"\\n": invalid CIDR address: a"\n'],
      ],
    },
    {
      name: "two families",
      include: [{ sourceCidr: "10.0.0.0/8", destinationCidr: "::/0" }],
      issues: [
        ["include[0]", "source (10.0.0.0/8) and destination cidr (::/0) must be same protocol version"],
      ],
    },
    {
      name: "a mapped prefix counts as IPv4",
      include: [{ sourceCidr: "::ffff:10.0.0.0/104", destinationCidr: "fe80::/10" }],
      issues: [
        [
          "include[0]",
          "source (::ffff:10.0.0.0/104) and destination cidr (fe80::/10) must be same protocol version",
        ],
      ],
    },
    {
      name: "a mapped prefix shorter than 96 bits",
      include: [{ sourceCidr: "::ffff:10.0.0.0/95", destinationCidr: "::/0" }],
      issues: [
        [
          "include[0].source_cidr",
          'source cidr "::ffff:10.0.0.0/95": an IPv4-mapped prefix must be at least 96 bits long',
        ],
      ],
    },
    {
      name: "a mapped destination of no bits",
      include: [{ sourceCidr: "::/0", destinationCidr: "::ffff:0:0/0" }],
      issues: [
        [
          "include[0].destination_cidr",
          'destination cidr "::ffff:0:0/0": an IPv4-mapped prefix must be at least 96 bits long',
        ],
      ],
    },
    {
      name: "ports above 65535",
      include: [{ ...good, sourcePort: 65_536, destinationPort: 4_294_967_295 }],
      issues: [
        ["include[0].source_port", "source port 65536 out of range"],
        ["include[0].destination_port", "destination port 4294967295 out of range"],
      ],
    },
    {
      name: "numbers that are not integers, before those out of range",
      include: [{ ...good, sourcePort: -1, destinationPort: 1.5, protocol: Number.NaN as 0 }],
      issues: [
        ["include[0].destination_port", "must be an integer, not 1.5"],
        ["include[0].protocol", "must be an integer, not NaN"],
        ["include[0].source_port", "source port -1 out of range"],
      ],
    },
    {
      name: "a protocol above 255, which upstream would cut to TCP",
      include: [{ ...good, protocol: 256 + 6 }],
      issues: [["include[0].protocol", "protocol 262 out of range"]],
    },
    {
      name: "everything at once, in order",
      include: [
        {
          sourceCidr: "x",
          destinationCidr: "y/1",
          sourcePort: 70_000,
          destinationPort: 70_001,
          protocol: 256,
        },
        good,
        { sourceCidr: "::/0", destinationCidr: "0.0.0.0/0", destinationPort: 70_002 },
      ],
      issues: [
        ["include[0].source_cidr", 'failed to parse source cidr "x": invalid CIDR address: x'],
        ["include[0].destination_cidr", 'failed to parse destination cidr "y/1": invalid CIDR address: y/1'],
        ["include[0].source_port", "source port 70000 out of range"],
        ["include[0].destination_port", "destination port 70001 out of range"],
        ["include[0].protocol", "protocol 256 out of range"],
        ["include[2]", "source (::/0) and destination cidr (0.0.0.0/0) must be same protocol version"],
        ["include[2].destination_port", "destination port 70002 out of range"],
      ],
    },
  ])("$name", ({ include, issues }) => {
    const expected = issues.map(([path, message]) => ({ path, message }));
    expect(checkPacketFilter(include)).toEqual(expected);
    let thrown: unknown;
    try {
      compilePacketFilter(include);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FilterError);
    expect(thrown).toMatchObject({
      code: "invalid_filter",
      issues: expected,
      message: issues.map(([path, message]) => `${path}: ${message}`).join("\n"),
    });
  });

  test("accepts protobuf JSON as the same filter as the message", () => {
    const anyProtocol = fc.constantFrom(0, 6, 17, 132, 1);
    fc.assert(
      fc.property(anyFilter(), anyProtocol, (filter, protocol) => {
        // The cast is true: enums of proto3 are open, so 1 (ICMP) is a value, too.
        const message = create(FilterSchema, { ...filter, protocol: protocol as Protocol });
        const forms = [
          toJson(FilterSchema, message),
          toJson(FilterSchema, message, { useProtoFieldName: true }),
          { ...filter, protocol, sourcePort: String(filter.sourcePort ?? 0) },
        ].map((form) => JSON.parse(JSON.stringify(form)));
        const parsed = parsePacketFilters([message]);
        for (const form of forms) expect(parsePacketFilters([form])).toEqual(parsed);
      }),
      { numRuns: runs(200) },
    );
  });

  const UNKNOWN = "is not a field of Filter";
  const KNOWN = "known are sourceCidr, sourcePort, destinationCidr, destinationPort, protocol";

  test.each<{ name: string; include: unknown; issues: readonly [path: string, message: string][] }>([
    { name: "not a list", include: { ...good }, issues: [["include", "must be a list, not an object"]] },
    { name: "undefined", include: undefined, issues: [["include", "must be a list, not undefined"]] },
    {
      name: "unknown fields",
      include: [good, { ...good, destPort: 5001, source_prt: undefined, ["__proto__"]: 1 }],
      issues: [
        ["include[1].destPort", `${UNKNOWN}; did you mean destinationPort?`],
        ["include[1].source_prt", `${UNKNOWN}; did you mean source_port?`],
        [
          "include[1].__proto__",
          `${UNKNOWN}; ${KNOWN.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
        ],
      ],
    },
    {
      name: "numbers of another type",
      include: [{ ...good, sourcePort: 1.5, destinationPort: "http", protocol: "UDP" }],
      issues: [
        ["include[0].source_port", "must be an integer, not 1.5"],
        ["include[0].destination_port", 'must be an integer, not "http"'],
        ["include[0].protocol", 'is not a value of Protocol: "UDP"; did you mean PROTOCOL_UDP?'],
      ],
    },
    {
      name: "strings of another type",
      include: [{ sourceCidr: 10, destinationCidr: ["0.0.0.0/0"], protocol: [] }],
      issues: [
        ["include[0].source_cidr", "must be a string, not 10"],
        ["include[0].destination_cidr", "must be a string, not a list"],
        ["include[0].protocol", "must be an integer, not a list"],
      ],
    },
    {
      name: "values that are not filters, and a hole",
      // biome-ignore lint/suspicious/noSparseArray: a hole is an element, too
      include: [null, "tcp", [good], , () => {}],
      issues: [
        ["include[0]", `must be a Filter, not null`],
        ["include[1]", `must be a Filter, not "tcp"`],
        ["include[2]", `must be a Filter, not a list`],
        ["include[3]", `must be a Filter, not undefined`],
        ["include[4]", `must be a Filter, not a function`],
      ],
    },
    {
      name: "a long string of the wrong type, quoted in part",
      include: ["x".repeat(1000)],
      issues: [["include[0]", `must be a Filter, not "${"x".repeat(100)}…"`]],
    },
  ])("reports values of the wrong type: $name", ({ include, issues }) => {
    const expected = issues.map(([path, message]) => ({ path, message }));
    expect(checkPacketFilter(include as PacketFilterInit[])).toEqual(expected);
    expect(() => compilePacketFilter(include as PacketFilterInit[])).toThrow(FilterError);
  });

  test("accepts every field of the message, and unknown fields in a message", () => {
    const known = new Set(FilterSchema.fields.map(({ localName }) => localName));
    const message = create(FilterSchema, { ...good, sourcePort: 1, destinationPort: 2, protocol: 6 });
    message.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
    expect(new Set(Object.keys(message).filter((name) => !name.startsWith("$")))).toEqual(known);
    expect(checkPacketFilter([message])).toEqual([]);
  });

  test.each([
    { name: "the highest ports", filter: { ...good, sourcePort: 65_535, destinationPort: 65_535 } },
    { name: "the highest protocol", filter: { ...good, protocol: 255 } },
    { name: "host bits", filter: { sourceCidr: "10.1.2.3/8", destinationCidr: "1.2.3.4/0" } },
    { name: "a mapped prefix of 96 bits beside IPv4", filter: { ...good, sourceCidr: "::ffff:0:0/96" } },
  ])("accepts $name", ({ filter }) => {
    expect(checkPacketFilter([filter])).toEqual([]);
  });
});

describe("compilePacketFilter: many filters", () => {
  const SHAPES: readonly { name: string; filter: (index: number) => PacketFilterInit }[] = [
    {
      name: "IPv4 hosts, both ports, protocol",
      filter: (index) => ({
        sourceCidr: `10.0.${index >> 8}.${index & 255}/32`,
        destinationCidr: "10.9.9.9/32",
        sourcePort: 1000 + index,
        destinationPort: 80,
        protocol: index % 2 === 0 ? 6 : 17,
      }),
    },
    { name: "destination ports", filter: (index) => ({ ...ANY_V4, destinationPort: 1 + index }) },
    { name: "source ports", filter: (index) => ({ ...ANY_V4, sourcePort: 65_535 - index }) },
    {
      name: "IPv4 prefixes",
      filter: (index) => ({
        sourceCidr: `10.${index & 127}.${(index >> 7) << 5}.0/19`,
        destinationCidr: "10.0.0.0/8",
      }),
    },
    {
      name: "IPv6 hosts and destination ports",
      filter: (index) => ({
        sourceCidr: `2001:db8::${index.toString(16)}/128`,
        destinationCidr: "2001:db8::/40",
        destinationPort: 1 + (index % 7),
      }),
    },
    { name: "IPv6 protocols", filter: (index) => ({ ...ANY_V6, protocol: 1 + (index % 255) }) },
    { name: "the same again and again", filter: () => ({ ...ANY_V4, destinationPort: 80, protocol: 6 }) },
  ];

  describe.each(SHAPES)("of one shape: $name", ({ filter }) => {
    test.each([1, 2, 3, 4, 5, 8, 9, amount({ quick: 250, long: 1000 })])(
      "%i match as each filter alone",
      (count) => {
        const filters = Array.from({ length: count }, (_, index) => filter(index));
        const together = compilePacketFilter(filters);
        const one = filters.map((single) => compilePacketFilter([single]));
        let matching = 0;
        let differing = 0;
        const sample = filters.filter((_, index) => index % Math.ceil(count / 100) === 0);
        for (const packet of packetsLike(sample)) {
          const expected = one.some((predicate) => predicate(packet, 0, packet.length, RAW));
          if (expected) matching++;
          if (together(packet, 0, packet.length, RAW) !== expected) differing++;
        }
        expect(differing).toBe(0);
        expect(matching).toBeGreaterThan(0);
      },
    );
  });

  test.each([1, 3, 4, 5])(
    "%i for ports match no packet without ports, regardless of the bytes before its header",
    (count) => {
      const numbers = [1, 0x0101, 2, 3, 4].slice(0, count);
      const packet = ethernet(IPV4, ipv4({ protocol: 1 })).fill(1, 0, 12);
      for (const field of ["sourcePort", "destinationPort"]) {
        const include = numbers.map((number) => ({ ...ANY_V4, [field]: number }));
        expect(matches(include, packet, ETHERNET)).toBe(false);
        expect(matches(include.reverse(), packet, ETHERNET)).toBe(false);
      }
    },
  );

  test("of mixed shapes match as each filter alone, and as the naive predicate", () => {
    fc.assert(
      fc.property(
        fc.array(anyFilter(), { minLength: 1, maxLength: 30, size: "max" }),
        fc.array(packetWithLinkType(), { minLength: 1, maxLength: 20, size: "max" }),
        (filters, packets) => {
          const together = compilePacketFilter(filters);
          const one = filters.map((filter) => compilePacketFilter([filter]));
          const naive = naivePredicate(filters);
          for (const { packet, linkType } of packets) {
            const expected = naive(naiveParse(packet, linkType));
            expect(together(packet, 0, packet.length, linkType)).toBe(expected);
            expect(one.some((predicate) => predicate(packet, 0, packet.length, linkType))).toBe(expected);
          }
        },
      ),
      { numRuns: runs(500) },
    );
  });

  test("the generated filters match some generated packets", () => {
    const filters = fc
      .sample(anyFilter(), { numRuns: 300, seed: 1 })
      .map((filter) => compilePacketFilter([filter]));
    const packets = fc.sample(packetWithLinkType(), { numRuns: 300, seed: 2 });
    const matching = filters.filter((predicate) =>
      packets.some(({ packet, linkType }) => predicate(packet, 0, packet.length, linkType)),
    );
    expect(matching.length).toBeGreaterThan(100);
  });

  test("match alike in any order", () => {
    const shuffled = fc
      .array(anyFilter(), { minLength: 2, maxLength: 12, size: "max" })
      .chain((filters) =>
        fc.tuple(
          fc.constant(filters),
          fc.shuffledSubarray(filters, { minLength: filters.length, maxLength: filters.length }),
        ),
      );
    fc.assert(
      fc.property(
        shuffled,
        fc.array(packetWithLinkType(), { minLength: 1, maxLength: 10 }),
        ([filters, reordered], packets) => {
          const first = compilePacketFilter(filters);
          const second = compilePacketFilter(reordered);
          for (const { packet, linkType } of packets) {
            expect(second(packet, 0, packet.length, linkType)).toBe(
              first(packet, 0, packet.length, linkType),
            );
          }
        },
      ),
      { numRuns: runs(500) },
    );
  });
});

describe("compilePacketFilter: the predicate", () => {
  test("never throws, changes no bytes, and reads only from start to end", () => {
    fc.assert(
      fc.property(
        fc.array(anyFilter(), { minLength: 1, maxLength: 8 }),
        packetWithLinkType(),
        fc.uint8Array({ maxLength: 50 }),
        fc.uint8Array({ maxLength: 50 }),
        (filters, { packet, linkType }, before, after) => {
          const predicate = compilePacketFilter(filters);
          const around = bytes(before, packet, after);
          const copy = around.slice();
          const expected = predicate(packet, 0, packet.length, linkType);
          expect(predicate(around, before.length, before.length + packet.length, linkType)).toBe(expected);
          expect(around).toEqual(copy);
        },
      ),
      { numRuns: runs(3000) },
    );
  });

  test("has no state from another packet or another filter", () => {
    const web = compilePacketFilter([{ ...ANY_V4, destinationPort: 80 }]);
    const all = compilePacketFilter([ANY_V6]);
    const later = ipv4({ fragment: 1 });
    const plain = ipv4();
    const plainV6 = ipv6();
    expect(web(plain, 0, plain.length, RAW)).toBe(true);
    expect(web(later, 0, later.length, RAW)).toBe(false);
    expect(all(plainV6, 0, plainV6.length, RAW)).toBe(true);
    expect(web(plainV6, 0, plainV6.length, RAW)).toBe(false);
    expect(web(plain, 0, 10, RAW)).toBe(false);
    expect(web(plain, 0, plain.length, RAW)).toBe(true);
  });

  test("ignores later changes of its filters", () => {
    const filter = { ...ANY_V4, destinationPort: 80 };
    const include = [filter];
    const predicate = compilePacketFilter(include);
    filter.destinationPort = 81;
    include.length = 0;
    const packet = ipv4();
    expect(predicate(packet, 0, packet.length, RAW)).toBe(true);
  });
});

/** For every filter a packet it matches, and packets that differ from that in one field. */
function* packetsLike(filters: readonly PacketFilterInit[]): Generator<Uint8Array> {
  for (const {
    sourceCidr = "",
    destinationCidr = "",
    sourcePort = 0,
    destinationPort = 0,
    protocol,
  } of filters) {
    const numbers = [protocol || 6, 17];
    const sourcePorts = [sourcePort, sourcePort ^ 1];
    for (const number of numbers) {
      for (const from of sourcePorts) {
        for (const to of [destinationPort, destinationPort ^ 0x100]) {
          yield packetLike(sourceCidr, destinationCidr, number, ports(from & 0xffff, to & 0xffff));
        }
      }
    }
    yield packetLike(destinationCidr, sourceCidr, protocol || 6, ports(sourcePort, destinationPort));
  }
}

function packetLike(from: string, to: string, protocol: number, payload: Uint8Array): Uint8Array {
  const [source = "", destination = ""] = [from, to].map((cidr) => cidr.split("/")[0] ?? "");
  return source.includes(":")
    ? ipv6({ nextHeader: protocol, source: expand(source), destination: expand(destination) }, payload)
    : ipv4({ protocol, source, destination }, payload);
}

/** The 32 digits of an IPv6 address with one "::". */
function expand(text: string): string {
  const [front = [], back = []] = text
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":")).map((group) => group.padStart(4, "0")));
  return [...front, ...Array<string>(8 - front.length - back.length).fill("0000"), ...back].join("");
}
