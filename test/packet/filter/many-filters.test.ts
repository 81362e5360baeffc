import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";
import { amount, runs } from "../../support/amount.js";
import { anyFilter, packetWithLinkType } from "../arbitrary.js";
import { ethernet, IPV4, ipv4, ipv6, ports } from "../build.js";
import { naiveParse, naivePredicate } from "../naive.js";
import { ANY_V4, ANY_V6, ETHERNET, matches, RAW } from "./matches.js";

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
