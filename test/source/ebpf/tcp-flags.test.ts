import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_FLAG_FILTERS } from "../../../src/filter/kernel-part.js";
import { createLayers, locateLayers, type PacketFilterInit } from "../../../src/packet/index.js";
import { compileProgram } from "../../../src/source/ebpf/program/program.js";
import { anyPacketOf } from "../../packet/arbitrary.js";
import { amount } from "../../support/amount.js";
import { interpret } from "./interpreter.js";
import { describeWithEbpf } from "./kernel-needed.js";

const ETHERNET = 1;
const RAW = 101;
const TCP = 6;
const UDP = 17;
const SYN = 0x002;
const ACK = 0x010;
const NS = 0x100;
/** `BPF_PROG_TEST_RUN` rejects shorter packets. */
const SHORTEST_RUN = { 4: 34, 6: 54 } as const;

const ANY = {
  4: { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" },
  6: { sourceCidr: "::/0", destinationCidr: "::/0" },
};

interface Wanted {
  readonly family: 4 | 6;
  readonly flags: number;
  readonly port?: number;
}

/** A family without filters matches no packet, so each list has filters of both. */
const LISTS: readonly (readonly Wanted[])[] = [
  [
    { family: 4, flags: SYN },
    { family: 6, flags: SYN },
  ],
  [
    { family: 4, flags: NS },
    { family: 6, flags: NS | ACK },
  ],
  [
    { family: 4, flags: SYN | ACK, port: 80 },
    { family: 4, flags: 0x1ff },
    { family: 6, flags: ACK, port: 80 },
  ],
  [
    { family: 6, flags: 0x80 },
    { family: 4, flags: 0x01, port: 443 },
  ],
];

function filterOf({ family, port = 0 }: Wanted): PacketFilterInit {
  return { ...ANY[family], protocol: TCP, destinationPort: port };
}

const layers = createLayers();

/** Whether a packet has the flags; undefined if the headers cannot be followed to them. */
function expectedOf(bytes: Uint8Array, linkType: number, list: readonly Wanted[]): boolean | undefined {
  const { length } = bytes;
  if (!locateLayers(bytes, 0, length, linkType, layers) || layers.protocol < 0) return undefined;
  const { version, protocol, laterFragment, transport } = layers;
  if (protocol !== TCP || laterFragment) return false;
  const isCut = transport + 14 > length;
  const flags = isCut ? 0 : ((bytes[transport + 12]! & 1) << 8) | bytes[transport + 13]!;
  const destination = transport + 4 > length ? -1 : (bytes[transport + 2]! << 8) | bytes[transport + 3]!;
  const others = list.filter(
    ({ family, port = 0 }) => family === version && (port === 0 || port === destination),
  );
  if (isCut) return others.length === 0 ? false : undefined;
  return others.some((own) => (flags & own.flags) === own.flags);
}

/** IP packets with TCP or UDP after each kind of header, and these packets truncated at every length. */
function packetsWith(flags: number): readonly { readonly family: 4 | 6; readonly bytes: Uint8Array }[] {
  const transports = [TCP, UDP].map((protocol) => ({ protocol, header: tcpHeader(flags) }));
  const whole = transports.flatMap(({ protocol, header }) => [
    ipv4(protocol, header),
    ipv4(protocol, header, { optionWords: 1 }),
    ipv4(protocol, header, { optionWords: 10 }),
    ipv4(protocol, header, { fragment: 0x2000 }),
    ipv4(protocol, header, { fragment: 0x2001 }),
    ipv4(51, [...extension(protocol, 51), ...header]),
    ipv6(protocol, header),
    ipv6(0, [...extension(protocol, 0), ...header]),
    ipv6(0, [...extension(60, 0), ...extension(51, 60), ...extension(protocol, 51), ...header]),
    ipv6(44, [protocol, 0, 0, 1, 0, 0, 0, 1, ...header]),
    ipv6(44, [protocol, 0, 0, 9, 0, 0, 0, 1, ...header]),
  ]);
  return whole.flatMap(({ family, bytes }) =>
    Array.from({ length: 25 }, (_, cut) => ({ family, bytes: bytes.slice(0, bytes.length - cut) })),
  );
}

function tcpHeader(flags: number): number[] {
  return [0x30, 0x39, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x5e | (flags >> 8), flags & 0xff, 1, 0, 0, 0, 0, 0];
}

/** Of 8 bytes; of 12 for AH. */
function extension(next: number, own: number): number[] {
  return own === 51 ? [next, 1, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9] : [next, 0, 0, 0, 0, 0, 0, 0];
}

function ipv4(protocol: number, payload: readonly number[], { optionWords = 0, fragment = 0 } = {}) {
  const options = new Array(4 * optionWords).fill(0xff);
  const length = 20 + options.length + payload.length;
  const ip = [0x45 + optionWords, 0, length >> 8, length & 0xff, 0, 1, fragment >> 8, fragment & 0xff];
  ip.push(64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
  return { family: 4, bytes: frame(0x0800, [...ip, ...options, ...payload]) } as const;
}

function ipv6(next: number, payload: readonly number[]) {
  const addresses = [1, 2].flatMap((last) => [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), last]);
  const ip = [0x60, 0, 0, 0, 0, payload.length, next, 64, ...addresses];
  return { family: 6, bytes: frame(0x86dd, [...ip, ...payload]) } as const;
}

function frame(etherType: number, rest: readonly number[]): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, etherType >> 8, etherType & 0xff, ...rest);
}

function compile(list: readonly Wanted[], layer: 2 | 3, matchUnknown: boolean) {
  const { program, plan } = compileProgram(list.map(filterOf), {
    layer,
    window: 65_535,
    answer: { kind: "report" },
    matchUnknown,
    tcpFlags: list.map(({ flags }) => flags),
  });
  return { code: program.encode({}), plan };
}

test.each([false, true])(
  "compileProgram: tests TCP flags after every header, matchUnknown %s",
  (matchUnknown) => {
    const counts = { true: 0, false: 0, unknown: 0 };
    for (const list of LISTS) {
      const { code } = compile(list, 2, matchUnknown);
      for (const flags of [0, SYN, SYN | ACK, NS, NS | ACK, 0x1ff, 0x80, 0x01]) {
        for (const { bytes } of packetsWith(flags)) {
          const expected = expectedOf(bytes, ETHERNET, list);
          const found = interpret(code, new Uint8Array(0), { packet: bytes }) === 1n;
          expect(found, Buffer.from(bytes).toString("hex")).toBe(expected ?? matchUnknown);
          counts[expected === undefined ? "unknown" : expected ? "true" : "false"]++;
        }
      }
    }
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(500);
  },
);

test.each([
  { name: "Ethernet", linkType: ETHERNET, layer: 2 },
  { name: "raw IP", linkType: RAW, layer: 3 },
] as const)("compileProgram: tests TCP flags of generated packets: $name", ({ linkType, layer }) => {
  const packets = fc.sample(anyPacketOf(linkType), {
    numRuns: amount({ quick: 400, long: 5000 }),
    seed: linkType,
  });
  for (const list of LISTS) {
    for (const matchUnknown of [false, true]) {
      const { code } = compile(list, layer, matchUnknown);
      for (const packet of packets) {
        const expected = expectedOf(packet, linkType, list) ?? matchUnknown;
        const found = interpret(code, new Uint8Array(0), { packet }) === 1n;
        expect(found, Buffer.from(packet).toString("hex")).toBe(expected);
      }
    }
  }
});

describeWithEbpf("compileProgram: TCP flags in the kernel", (kernel) => {
  test.each([false, true])("matches as in the interpreter, matchUnknown %s", (matchUnknown) => {
    for (const list of LISTS) {
      const { code } = compile(list, 2, matchUnknown);
      const program = kernel().loadProgram("flags", code);
      for (const { family, bytes } of packetsWith(SYN | ACK | NS)) {
        if (bytes.length < SHORTEST_RUN[family]) continue;
        const expected = Number(interpret(code, new Uint8Array(0), { packet: bytes }));
        expect(kernel().run(program, bytes).result, Buffer.from(bytes).toString("hex")).toBe(expected);
      }
      kernel().close(program);
    }
  });

  test.each([2, 3] as const)("the verifier accepts as many filters as flows may have: layer %s", (layer) => {
    const include = Array.from({ length: MAX_FLAG_FILTERS }, (_, index) => ({
      sourceCidr: index % 2 === 0 ? "10.1.2.3/31" : "2001:db8::1:2:3:4/127",
      destinationCidr: index % 2 === 0 ? "10.1.0.0/30" : "2001:db8::/126",
      sourcePort: 1 + index,
      destinationPort: 1000 + index,
      protocol: index % 3 === 0 ? 0 : TCP,
    }));
    const tcpFlags = include.map((_, index) => 1 + (index % 0x1ff));
    const map = kernel().createSetMap("addresses", 16, 10);
    for (const hasAddresses of [false, true]) {
      const { program, plan } = compileProgram(include, {
        layer,
        window: 65_535,
        answer: { kind: "report" },
        matchUnknown: true,
        hasAddresses,
        tcpFlags,
      });
      expect(plan.families.map(({ form }) => form)).toEqual(["chain", "chain"]);
      kernel().close(kernel().loadProgram("flags", program.encode({ addresses: map })));
    }
    kernel().close(map);
  });
});
