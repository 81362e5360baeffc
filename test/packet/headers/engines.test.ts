import { describe, expect, test } from "vitest";
import { LINK_TYPES } from "../../../src/packet/headers/link-types.js";
import {
  compilePacketFilter,
  createBatch,
  decodeFlows,
  formatPacketFilter,
  type PacketFilterInit,
  recordEnd,
} from "../../../src/packet/index.js";
import { compileProgram } from "../../../src/source/ebpf/program/program.js";
import { compileExpression } from "../../../src/source/libpcap/index.js";
import { interpret } from "../../source/ebpf/interpreter.js";
import { amount } from "../../support/amount.js";
import { describeUnless } from "../../support/shared.js";
import { ANY_V4, ANY_V6 } from "../filter/matches.js";
import { type NaiveFilter, naiveParse, naivePredicate } from "../naive.js";
import { type BuiltPacket, buildPackets, ENCAPSULATE, FRAME, type LinkTypeKey } from "./packets.js";

/** Number of packets for each link type: with at most one encapsulation, and with several. */
const SHALLOW_PACKETS = amount({ quick: 60, long: 1000 });
const DEEP_PACKETS = amount({ quick: 20, long: 300 });
const DEPTH = 3;
/** Bytes of a packet, beyond which it is not truncated. */
const TRUNCATED = 110;

const NO_FIELDS = { sourcePort: 0, destinationPort: 0, protocol: 0 };
const LISTS: readonly (readonly (NaiveFilter & PacketFilterInit)[])[] = [
  [
    { ...NO_FIELDS, ...ANY_V4 },
    { ...NO_FIELDS, ...ANY_V6 },
  ],
  [
    { ...NO_FIELDS, ...ANY_V4, destinationPort: 80, protocol: 6 },
    { ...NO_FIELDS, ...ANY_V6, destinationPort: 80, protocol: 6 },
  ],
  [
    { ...NO_FIELDS, sourceCidr: "10.0.0.1/32", destinationCidr: "0.0.0.0/0", protocol: 17 },
    { ...NO_FIELDS, sourceCidr: "2001:db8::/32", destinationCidr: "::/0", sourcePort: 1000 },
  ],
  [{ ...NO_FIELDS, ...ANY_V4, sourceCidr: "10.9.0.0/16" }],
];

// The keys of the tables are their rows.
const LINK_TYPE_KEYS = Object.keys(FRAME) as LinkTypeKey[];

interface Case extends BuiltPacket {
  /** The packet as it is captured. */
  readonly captured: Uint8Array;
}

/** Packets of a link type, each whole and truncated at every length, and each damaged in a byte of its headers. */
function casesOf(linkType: LinkTypeKey): readonly Case[] {
  const packets = buildPackets(linkType, DEPTH);
  const shallow = packets.filter(({ keys }) => keys.length <= 1);
  const deep = packets.filter(({ keys }) => keys.length > 1);
  return [...sample(shallow, SHALLOW_PACKETS), ...sample(deep, DEEP_PACKETS)].flatMap((packet) => {
    const lengths = Array.from(
      { length: Math.min(packet.bytes.length, TRUNCATED) + 1 },
      (_, length) => length,
    );
    return [
      ...[...lengths, packet.bytes.length].map((length) => ({
        ...packet,
        captured: packet.bytes.slice(0, length),
      })),
      ...lengths.slice(0, -1).map((at) => ({
        ...packet,
        captured: packet.bytes.map((byte, index) => (index === at ? byte ^ 0x01 : byte)),
      })),
    ];
  });
}

/** Values at equal distances. */
function sample<T>(values: readonly T[], count: number): readonly T[] {
  const step = Math.ceil(values.length / count);
  return values.filter((_, index) => index % step === 0);
}

function describeCase({ linkType, keys, ip, captured }: Case): string {
  return `${linkType}, ${keys.join(", ")}: ${ip}: ${Buffer.from(captured).toString("hex")}`;
}

describe.each(LINK_TYPE_KEYS)(`every encapsulation in %s`, (key) => {
  const cases = casesOf(key);
  const { numbers, kernel } = LINK_TYPES[key];

  test("compilePacketFilter: matches as the naive filter", () => {
    const differences: string[] = [];
    let matches = 0;
    for (const include of LISTS) {
      const predicate = compilePacketFilter(include);
      const naive = naivePredicate(include);
      for (const one of cases) {
        const linkType = numbers[one.captured.length % numbers.length]!;
        const expected = naive(naiveParse(one.captured, linkType));
        if (expected) matches++;
        if (predicate(one.captured, 0, one.captured.length, linkType) !== expected) {
          differences.push(`${expected} for ${describeCase(one)}`);
        }
      }
    }
    expect(differences.slice(0, 5)).toEqual([]);
    expect(matches).toBeGreaterThan(0);
  });

  test("decodeFlows: finds the addresses that the filter compares", () => {
    const isIp = compilePacketFilter(LISTS[0]!);
    const differences: string[] = [];
    for (const one of cases) {
      const format = { linkType: numbers[0]!, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
      const [flow] = [...decodeFlows(createBatch(format, [{ bytes: one.captured }]))];
      if (isIp(one.captured, 0, one.captured.length, numbers[0]!) && flow?.IP === undefined) {
        differences.push(describeCase(one));
      }
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });

  test("decodeFlows: finds the IP header behind each encapsulation, also where filters do not enter it", () => {
    const format = { linkType: numbers[0]!, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
    for (const { keys, ip, bytes } of buildPackets(key, 1)) {
      const [flow] = [...decodeFlows(createBatch(format, [{ bytes }]))];
      expect({ keys, ip, source: flow?.IP?.source }).toEqual({
        keys,
        ip,
        source: ip.includes("IPv4") ? "10.0.0.1" : "2001:db8::1",
      });
    }
  });

  if (kernel !== "not captured") {
    test.each([
      { form: "a chain", tableFilters: Number.POSITIVE_INFINITY },
      { form: "tables", tableFilters: 1 },
    ])("compileProgram: matches as the predicate, as $form", ({ tableFilters }) => {
      const differences: string[] = [];
      for (const include of LISTS) {
        const predicate = compilePacketFilter(include);
        const options = { layer: kernel, window: 65_535, answer: { kind: "report" }, tableFilters } as const;
        const { program, tables } = compileProgram(include, options);
        const code = program.encode({ tables: 0 });
        for (const one of cases) {
          const { captured } = one;
          const expected = predicate(captured, 0, captured.length, numbers[0]!);
          const input = { packet: captured };
          if ((interpret(code, tables, input) === 1n) !== expected) {
            differences.push(`${expected} for ${describeCase(one)}`);
          }
          const stripped = kernel === 2 ? withoutTag(captured) : undefined;
          if (stripped !== undefined && (interpret(code, tables, stripped) === 1n) !== expected) {
            differences.push(`with the tag in the metadata: ${expected} for ${describeCase(one)}`);
          }
        }
      }
      expect(differences.slice(0, 5)).toEqual([]);
    });
  }
});

/** The packet as the kernel stores it if the network card removes the first VLAN tag. */
function withoutTag(
  frame: Uint8Array,
): { packet: Uint8Array; tag: { etherType: number; control: number } } | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 18 || ![0x8100, 0x88a8].includes(view.getUint16(12))) return undefined;
  return {
    packet: Uint8Array.from([...frame.slice(0, 12), ...frame.slice(16)]),
    tag: { etherType: view.getUint16(12), control: view.getUint16(14) },
  };
}

const reason = await compileExpression("ip").then(
  () => undefined,
  (error: Error) => error.message,
);

describeUnless("formatPacketFilter, compiled by libpcap to classic BPF", reason, () => {
  const rows = LINK_TYPE_KEYS.flatMap((key) =>
    LINK_TYPES[key].numbers.map((linkType) => ({ key, linkType })),
  );

  test.each(rows)(
    `$key ($linkType): matches no fewer packets than the predicate`,
    async ({ key, linkType }) => {
      const packets = casesOf(key).filter(({ captured }) => captured.length > 0);
      const format = { linkType, resolution: "us", snapLength: 0, interfaceId: 0 } as const;
      const batch = createBatch(
        format,
        packets.map(({ captured }) => ({ bytes: captured })),
      );
      for (const include of LISTS.flatMap(ofFamily(key))) {
        const text = formatPacketFilter(include, { linkType });
        const matchesText = await compileExpression(text, linkType).catch((error: Error) => error.message);
        // libpcap supports no filters on the field; the source then uses the predicate alone.
        if (typeof matchesText === "string") throw new Error(`${text}: ${matchesText}`);
        const predicate = compilePacketFilter(include);
        const narrower: string[] = [];
        const wider: string[] = [];
        packets.forEach((one, index) => {
          const start = batch.offsets[index]! + 16;
          const end = recordEnd(batch, index);
          const expected = predicate(batch.records, start, end, linkType);
          const actual = matchesText(batch.records, start, end, linkType);
          if (expected && !actual) narrower.push(describeCase(one));
          if (actual && !expected && isExact(one)) wider.push(describeCase(one));
        });
        expect({ text, narrower: narrower.slice(0, 5), wider: wider.slice(0, 5) }).toEqual({
          text,
          narrower: [],
          wider: [],
        });
      }
    },
  );
});

/** Whether pcap-filter has means to find all fields of such a packet. */
function isExact({ linkType, keys, captured, bytes, hasExtensions }: Case): boolean {
  // A damaged packet may have other encapsulations.
  if (hasExtensions || bytes.some((byte, index) => index < captured.length && captured[index] !== byte))
    return false;
  if (linkType === "ethernet") {
    // Of the tags 0x9200 and 0x9300 the keyword is not true.
    const tags = keys.map((_, index) => Buffer.from(bytes).readUInt16BE(12 + 4 * index));
    return (
      keys.every((key) => key === "vlan") && tags.every((type) => [0x8100, 0x88a8, 0x9100].includes(type))
    );
  }
  return keys.length === 0 && linkType.startsWith("rawIp");
}

/** libpcap rejects an expression that matches no packet of the link type. */
function ofFamily(key: LinkTypeKey): (include: (typeof LISTS)[number]) => (typeof LISTS)[number][] {
  const only = key === "rawIpv4" ? false : key === "rawIpv6" ? true : undefined;
  return (include) => {
    const own = include.filter(({ sourceCidr }) => only === undefined || sourceCidr.includes(":") === only);
    return own.length === 0 ? [] : [own];
  };
}

test("buildPackets: has packets for every row of the tables", () => {
  for (const key of LINK_TYPE_KEYS) expect(buildPackets(key, 0).length).toBeGreaterThan(0);
  const used = new Set(LINK_TYPE_KEYS.flatMap((key) => buildPackets(key, 2)).flatMap(({ keys }) => keys));
  expect([...used].sort()).toEqual(Object.keys(ENCAPSULATE).sort());
});
