import { create, fromBinary, fromJson, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createFlowDecoder,
  decodeFlows,
  type FlowOptions,
  type PacketBatch,
  PacketError,
} from "../../../src/packet/index.js";
import { type Flow, FlowSchema } from "../../../src/proto.js";
import { naiveFormatAddress } from "../../net/naive.js";
import { amount, runs } from "../../support/amount.js";
import { describeWithShared } from "../../support/shared.js";
import { packetWithLinkType } from "../arbitrary.js";
import { copyIntoLargerBuffer } from "../arbitrary-batch.js";
import { bytes, ethernet, IPV4, IPV6, ipv4, ipv6Chain, options, tag, uint16 } from "../build.js";
import { readCorpus } from "../corpus.js";
import type { NaivePacket } from "../naive.js";
import { batchOf, ETHERNET, tcp, udp } from "./frames.js";

const PORTS = Array.from({ length: 1024 }, (_, port) => port).filter((port) => port !== 53 && port !== 80);

/** Everything that an option can switch on. */
const ALL: FlowOptions = {
  nodeName: "cluster/node",
  nodeLabels: ["a=b"],
  verdict: 1,
  trafficDirection: 2,
  eventType: { type: 4 },
  isReply: true,
  guessReplies: true,
  // On any port, so that arbitrary bytes are decoded as tunnels.
  tunnels: { vxlan: PORTS, geneve: [0, 53, 80, 8472] },
  endpoint: (ip) => ({ ID: 7, labels: ["b", "a"], podName: ip, workloads: [{ name: "w" }] }),
  names: (ip) => [ip],
  service: (ip, port) => (port > 0 ? { name: `${ip}:${port}` } : undefined),
  link: (index) => `eth${index}`,
};

const anyOptions = () => fc.constantFrom<FlowOptions>({}, ALL);

/** Ethernet frames in which the transport layer is whole, or nearly. */
function deepFrame(): fc.Arbitrary<Uint8Array> {
  const transport = fc.oneof(
    fc
      .record({ flags: fc.nat(0x1ff), options: fc.constantFrom("", "02040101", "0101010108ff0000") })
      .map(tcp),
    fc.constant(udp()),
    fc.uint8Array({ minLength: 0, maxLength: 24 }),
  );
  const protocol = fc.constantFrom(6, 6, 17, 17, 1, 58, 132, 2, 112, 4, 41, 50, 255);
  const inIpv4 = fc
    .tuple(protocol, fc.constantFrom("", "01010101", "07040000"), transport)
    .map(([number, text, payload]) => ipv4({ protocol: number, options: text }, payload));
  const inIpv6 = fc
    .tuple(protocol, fc.constantFrom([], [options(0)], [options(0, 1), options(60)]), transport)
    .map(([number, chain, payload]) => ipv6Chain(chain, number, payload));
  const nested = fc
    .tuple(fc.constantFrom(4, 94, 41), fc.oneof(inIpv4, inIpv6))
    .map(([number, packet]) => ipv4({ protocol: number }, packet));
  const framed = fc.oneof(
    inIpv4.map((packet) => ethernet(IPV4, packet)),
    nested.map((packet) => ethernet(IPV4, packet)),
    inIpv6.map((packet) => ethernet(IPV6, packet)),
    inIpv4.map((packet) => ethernet(0x8100, tag(IPV4, packet))),
    inIpv4.map((packet) => ethernet(0x6558, ethernet(IPV4, packet))),
  );
  const mutated = fc
    .tuple(framed, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(130))
    .map(([frame, changes, cut]) => {
      const copy = frame.slice();
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return cut < 65 ? copy : copy.slice(0, cut - 20);
    });
  const padded = fc
    .tuple(mutated, fc.uint8Array({ maxLength: 20 }))
    .map(([frame, padding]) => bytes(frame, padding));
  return fc.oneof(mutated, padded);
}

describe("decodeFlows: any bytes", () => {
  test("one result per packet, strict and lenient, and no exception", () => {
    fc.assert(
      fc.property(
        fc.array(packetWithLinkType(), { minLength: 1, maxLength: 5 }),
        anyOptions(),
        fc.boolean(),
        (packets, base, strict) => {
          const decoder = createFlowDecoder({ ...base, strict });
          for (const { packet, linkType } of packets) {
            const batch = batchOf(linkType, packet, packet);
            const results = [...decoder.decodeEach(batch)];
            expect(results).toHaveLength(2);
            for (const result of results) {
              if (result instanceof PacketError) {
                expect(strict).toBe(true);
                expect(result.offset).toBeLessThanOrEqual(packet.length);
              } else {
                toBinary(FlowSchema, result);
                toJson(FlowSchema, result);
              }
            }
          }
        },
      ),
      { numRuns: runs(1500) },
    );
  });

  test("same results for a batch inside a larger buffer", () => {
    fc.assert(
      fc.property(packetWithLinkType(), fc.boolean(), ({ packet, linkType }, strict) => {
        const batch = batchOf(linkType, packet, packet);
        expect(describeAll(copyIntoLargerBuffer(batch), strict)).toEqual(describeAll(batch, strict));
        // Nothing behind the packet is read: the second is as the first.
        const [first, second] = describeAll(batch, strict);
        expect(second?.replace("packet 1", "packet 0")).toBe(first);
      }),
      { numRuns: runs(1000) },
    );
  });

  test("lenient mode decodes at least what strict mode decodes", () => {
    // Enough that both kinds of frames are certain to be among them.
    const numRuns = amount({ quick: 150, long: 1500 });
    let same = 0;
    let more = 0;
    fc.assert(
      fc.property(deepFrame(), (frame) => {
        const [strict] = createFlowDecoder({ strict: true }).decodeEach(batchOf(ETHERNET, frame));
        const [lenient] = decodeFlows(batchOf(ETHERNET, frame));
        if (strict instanceof PacketError || lenient === undefined || strict === undefined) return;
        if (isJumbogram(frame) || hasPaddedHopByHop(frame)) return;
        expect(lenient.ethernet).toEqual(strict.ethernet);
        if (strict.l4 !== undefined || lenient.Summary === strict.Summary) {
          expect(lenient).toEqual(strict);
          same++;
        } else {
          // It went on where Hubble stops.
          if (strict.IP !== undefined && lenient.IP?.ipVersion === strict.IP.ipVersion)
            expect(lenient.l4).toBeDefined();
          expect(["Ethernet", "IPv4", "IPv6"]).toContain(strict.Summary);
          more++;
        }
      }),
      { numRuns },
    );
    expect(same).toBeGreaterThan(numRuns / 20);
    expect(more).toBeGreaterThan(numRuns / 75);
  });
});

describe("decodeFlows: flows are messages of protobuf-es", () => {
  test("encode as the same message from `create`, and survive JSON and binary", () => {
    fc.assert(
      fc.property(packetWithLinkType(), anyOptions(), ({ packet, linkType }, base) => {
        for (const flow of decodeFlows(batchOf(linkType, packet), base)) {
          const binary = toBinary(FlowSchema, flow);
          expect(toBinary(FlowSchema, create(FlowSchema, asInit(flow)))).toEqual(binary);
          expect(toBinary(FlowSchema, fromBinary(FlowSchema, binary))).toEqual(binary);
          expect(toBinary(FlowSchema, fromJson(FlowSchema, toJson(FlowSchema, flow)))).toEqual(binary);
        }
      }),
      { numRuns: runs(500) },
    );
  });

  test("have every property that `create` makes, in nested messages, too", () => {
    const [flow] = decodeFlows(batchOf(ETHERNET, ethernet(IPV4, ipv4({}, tcp()))), ALL);
    const created = create(FlowSchema, asInit(flow as Flow));
    for (const key of ["source", "ethernet", "IP", "l4", "eventType", "sourceService", "time"] as const) {
      expect(Object.keys(flow?.[key] ?? {})).toEqual(expect.arrayContaining(Object.keys(created[key] ?? {})));
    }
    expect(Object.keys(flow ?? {})).toEqual(expect.arrayContaining(Object.keys(created)));
  });

  test("share no objects", () => {
    const batch = batchOf(276, cooked(ipv4({}, tcp())), cooked(ipv4({}, tcp())));
    const [first, second] = decodeFlows(batch, ALL);
    expect(first?.interface?.name).toBe("eth2");
    const seen = new Set(objectsIn(first));
    expect(seen.size).toBeGreaterThan(20);
    expect([...objectsIn(second)].filter((object) => seen.has(object))).toEqual([]);
  });
});

describeWithShared("flows of captures written by others", () => {
  test("of every link type: one flow per packet, with the addresses and ports of the naive decoder", async () => {
    const packets = await readCorpus();
    let addresses = 0;
    let ports = 0;
    const differences: unknown[] = [];
    for (const { file, linkType, bytes: packet, naive } of packets) {
      const [flow] = decodeFlows(batchOf(linkType, packet));
      if (flow === undefined) throw new Error(`${file}: no flow`);
      toBinary(FlowSchema, flow);
      if (naive === undefined || tunnelled(naive)) continue;
      addresses++;
      const expected = [naiveText(naive, naive.source), naiveText(naive, naive.destination)];
      if (flow.IP?.source !== expected[0] || flow.IP?.destination !== expected[1]) {
        differences.push({ file, expected, actual: flow.IP });
      }
      const actual = portsOf(flow);
      // A packet filter walks eight extension headers at most, a flow all of them.
      if (actual === undefined || naive.protocol === undefined) continue;
      ports++;
      if (actual.source !== naive.ports?.source || actual.destination !== naive.ports.destination) {
        differences.push({ file, expected: naive.ports, actual });
      }
    }
    expect(differences.slice(0, 5)).toEqual([]);
    expect([packets.length, addresses, ports]).toEqual([10_627, 5717, 3961]);
  });

  test("in strict mode: one flow or error per packet", async () => {
    for (const { linkType, bytes: packet } of await readCorpus()) {
      expect([...createFlowDecoder({ strict: true }).decodeEach(batchOf(linkType, packet))]).toHaveLength(1);
    }
  });

  test("mutated and truncated", async () => {
    const packets = await readCorpus();
    fc.assert(
      fc.property(
        fc.nat(packets.length - 1),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 5 }),
        fc.nat(300),
        fc.boolean(),
        (which, changes, cut, strict) => {
          const { bytes: original, linkType } = packets[which] as (typeof packets)[number];
          const packet = original.slice(0, cut);
          for (const [at, byte] of changes) if (at < packet.length) packet[at] = byte;
          for (const result of createFlowDecoder({ ...ALL, strict }).decodeEach(batchOf(linkType, packet))) {
            if (!(result instanceof PacketError)) toBinary(FlowSchema, result);
          }
        },
      ),
      { numRuns: runs(1500) },
    );
  });
});

function describeAll(batch: PacketBatch, strict: boolean): string[] {
  return Array.from(createFlowDecoder({ strict }).decodeEach(batch), (result) =>
    result instanceof PacketError ? String(result) : JSON.stringify(toJson(FlowSchema, result)),
  );
}

/** Without `$typeName`, at any depth, `create` makes messages of its own. */
function asInit(value: Flow): MessageInitShape<typeof FlowSchema> {
  return withoutTypeNames(value) as MessageInitShape<typeof FlowSchema>;
}

function withoutTypeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypeNames);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "$typeName")
      .map(([key, inner]) => [key, withoutTypeNames(inner)]),
  );
}

function* objectsIn(value: unknown): Generator<object, void, undefined> {
  if (typeof value !== "object" || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

function cooked(packet: Uint8Array): Uint8Array {
  return bytes(uint16(IPV4), "0000 00000002 0001 00 06 0200000000010000", packet);
}

/** Hubble reads the hop-by-hop header of a jumbogram as its payload. */
function isJumbogram(frame: Uint8Array): boolean {
  return frame.join().includes("194,4");
}

/** And counts the length of IPv6 from behind that header, so that padding can come in. */
function hasPaddedHopByHop(frame: Uint8Array): boolean {
  for (const at of [14, 18, 28, 34, 38, 42, 54]) {
    const length = ((frame[at + 4] ?? 0) << 8) | (frame[at + 5] ?? 0);
    if (frame[at + 6] === 0 && at + 40 + length < frame.length) return true;
  }
  return false;
}

function tunnelled({ protocol }: NaivePacket): boolean {
  return protocol === 4 || protocol === 41 || protocol === 94;
}

function naiveText({ family }: NaivePacket, address: bigint): string {
  return naiveFormatAddress(family === 4 ? 0xffff_0000_0000n | address : address);
}

function portsOf({ l4 }: Flow): { source: number; destination: number } | undefined {
  const protocol = l4?.protocol;
  if (protocol?.case !== "TCP" && protocol?.case !== "UDP" && protocol?.case !== "SCTP") return undefined;
  return { source: protocol.value.sourcePort, destination: protocol.value.destinationPort };
}
