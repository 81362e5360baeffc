import { describe, expect, test } from "vitest";
import { createFlowDecoder, type FlowOptions } from "../../../src/packet/index.js";
import type { Flow } from "../../../src/proto.js";
import { bytes, ipv4, ipv6 } from "../build.js";
import { batchOf, tcp, udp } from "./frames.js";

const RAW = 101;
const SYN = 0x02;
const SYN_ACK = 0x12;
const ACK = 0x10;
const A = "10.0.0.1";
const B = "10.0.0.2";

const segment = (
  source: string,
  destination: string,
  flags: number,
  ports: readonly [number, number] = [1000, 80],
) => ipv4({ source, destination }, tcp({ source: ports[0], destination: ports[1], flags }));
const there = (flags: number) => segment(A, B, flags);
const back = (flags: number) => segment(B, A, flags, [80, 1000]);
const datagram = (source: string, destination: string, ports: readonly [number, number]) =>
  ipv4({ protocol: 17, source, destination }, udp(...ports));
const icmpv4 = (type: number) => ipv4({ protocol: 1 }, bytes(type, "00 0000 00000000"));
const icmpv6 = (type: number) => ipv6({ nextHeader: 58 }, bytes(type, "00 0000 00000000"));

function replies(packets: readonly Uint8Array[], options: FlowOptions = {}): (boolean | undefined)[] {
  const decoder = createFlowDecoder({ guessReplies: true, ...options });
  return Array.from(decoder.decode(batchOf(RAW, ...packets)), ({ isReply, reply }) => {
    expect(reply).toBe(isReply === true);
    return isReply;
  });
}

describe("decodeFlows: replies", () => {
  test.each([
    {
      name: "go against the first packet",
      packets: [there(ACK), back(ACK), there(ACK), back(ACK)],
      expected: [false, true, false, true],
    },
    { name: "of TCP from the handshake on", packets: [there(SYN), back(SYN_ACK)], expected: [false, true] },
    {
      name: "when the capture begins with the SYN/ACK",
      packets: [back(SYN_ACK), there(ACK), back(ACK)],
      expected: [true, false, true],
    },
    {
      name: "when the same ports are used the other way",
      packets: [there(ACK), back(SYN), there(SYN_ACK), back(ACK)],
      expected: [false, false, true, false],
    },
    {
      name: "of UDP",
      packets: [datagram(A, B, [1000, 53]), datagram(B, A, [53, 1000])],
      expected: [false, true],
    },
    {
      name: "from the upper address first",
      packets: [datagram(B, A, [5000, 5000]), datagram(A, B, [5000, 5000])],
      expected: [false, true],
    },
    {
      name: "not of another port, address or protocol",
      packets: [
        there(ACK),
        datagram(B, A, [80, 1000]),
        segment(B, A, ACK, [81, 1000]),
        segment("10.0.0.3", A, ACK, [80, 1000]),
      ],
      expected: [false, false, false, false],
    },
    {
      name: "not of packets from an address to itself",
      packets: [datagram(A, A, [7, 7]), datagram(A, A, [7, 7])],
      expected: [false, false],
    },
    {
      name: "of ICMP echoes, by their type",
      packets: [icmpv4(0), icmpv4(8), icmpv6(129), icmpv6(128)],
      expected: [true, false, true, false],
    },
    {
      name: "of no other protocol",
      packets: [icmpv4(3), icmpv6(135), ipv4({ protocol: 50 }), ipv4({ fragment: 0x0001 })],
      expected: [undefined, undefined, undefined, undefined],
    },
  ])("$name", ({ packets, expected }) => {
    expect(replies(packets)).toEqual(expected);
  });

  test("are not detected without the option", () => {
    expect(replies([there(SYN), back(SYN_ACK)], { guessReplies: false })).toEqual([undefined, undefined]);
  });

  test("override the option isReply where the direction is known", () => {
    expect(replies([there(SYN), back(SYN_ACK), icmpv4(3)], { isReply: true })).toEqual([false, true, true]);
    expect(replies([there(SYN)], { guessReplies: false, isReply: false })).toEqual([false]);
  });

  test("are detected across batches, until forget()", () => {
    const decoder = createFlowDecoder({ guessReplies: true });
    const isReply = (packet: Uint8Array) => (decoder.decodeAt(batchOf(RAW, packet), 0) as Flow).isReply;
    expect([isReply(there(ACK)), isReply(back(ACK))]).toEqual([false, true]);
    expect(decoder.stats.conversations).toBe(1);
    decoder.forget();
    expect(decoder.stats.conversations).toBe(0);
    expect(isReply(back(ACK))).toBe(false);
  });

  test("restart for conversations that were evicted", () => {
    const decoder = createFlowDecoder({ guessReplies: true, maxConversations: 10 });
    const isReply = (packet: Uint8Array) => (decoder.decodeAt(batchOf(RAW, packet), 0) as Flow).isReply;
    isReply(there(ACK));
    for (let port = 1; port <= 100; port++) {
      isReply(datagram(A, B, [port, 53]));
      expect(decoder.stats.conversations).toBeLessThanOrEqual(10);
    }
    expect(decoder.stats.conversationsEvicted).toBeGreaterThan(80);
    expect(isReply(back(ACK))).toBe(false);
  });

  test("are detected in an active conversation, regardless of the number of others", () => {
    const packets = Array.from({ length: 1000 }, (_, index) => [
      index % 2 === 0 ? back(ACK) : there(ACK),
      datagram(A, B, [index + 1, 53]),
    ]).flat();
    const answers = replies([there(ACK), ...packets], { maxConversations: 8 });
    expect(answers.filter((_, index) => index % 2 === 1).slice(0, 4)).toEqual([true, false, true, false]);
    expect(answers.filter((answer) => answer === true)).toHaveLength(500);
  });
});
