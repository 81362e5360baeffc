import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import {
  formatPacketFilter,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_SECONDS,
} from "../../../src/packet/index.js";
import { type EbpfOptions, openEbpf } from "../../../src/source/ebpf/index.js";
import type { Namespace } from "../../support/netns.js";
import { PATIENCE } from "../../support/patience.js";
import { repository } from "../../support/run.js";
import { describeWithPrograms } from "../../support/shared.js";
import { mixedFrames } from "../../support/traffic/mixed.js";
import { describeLive, readRecords } from "../libpcap/live.js";
import { FILE_HEADER_LENGTH, startTcpdump } from "../libpcap/tcpdump.js";
import { describeWithEbpf } from "./kernel-needed.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-ebpf-"));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LARGE_BUFFER = 64 * 1024 * 1024;
/**
 * Limit for the difference of the times, for 99 of 100 packets: usually a few microseconds. More would be another clock.
 */
const MAX_DIFFERENCE_NS = 100_000_000;

describeWithEbpf("openEbpf: compared with tcpdump", () => {
  describeWithPrograms("yields the same packets", ["tcpdump", "taskset"], () => {
    describeLive("with the same bytes, in the same order", (live) => {
      /** Captures with both while `traffic` runs, and compares. */
      async function compare({
        device = live().pair.receiver.device,
        options = {},
        arguments: args = [],
        waking = true,
        traffic,
      }: {
        device?: string;
        options?: EbpfOptions;
        arguments?: readonly string[];
        /** Whether tcpdump is woken for every packet; else it gets them within a second, in blocks. */
        waking?: boolean;
        traffic: () => void | Promise<void>;
      }): Promise<{ records: Buffer; count: number; p50: number; p99: number }> {
        const path = join(folder, `${files++}.pcap`);
        const tcpdump = await startTcpdump(path, device, ...(waking ? ["--immediate-mode"] : []), ...args);
        const source = await openEbpf(device, { bufferBytes: LARGE_BUFFER, ...options });
        try {
          const reading = readRecords(source);
          await traffic();
          await new Promise((resolve) => setTimeout(resolve, waking ? 500 : 2500));
          // On a slow machine tcpdump needs more time.
          await vi.waitFor(
            () => expect(recordsIn(path)).toBeGreaterThanOrEqual(source.stats().received),
            PATIENCE,
          );
          await tcpdump.stop();
          source.stop();
          const theirs = readFileSync(path).subarray(FILE_HEADER_LENGTH);
          const { records, count } = await reading;
          expect(source.stats()).toEqual({ received: count, dropped: 0 });
          const differences = takeTimes(records, theirs);
          expect(records.length).toBe(theirs.length);
          expect(records.equals(theirs)).toBe(true);
          const p50 = differences[Math.floor(count / 2)] ?? 0;
          const p99 = differences[Math.floor(0.99 * count)] ?? 0;
          console.info(`${count} packets, times differ by ${p50} ns (median), ${p99} ns (99 of 100)`);
          expect(p99).toBeLessThanOrEqual(MAX_DIFFERENCE_NS);
          return { records, count, p50, p99 };
        } finally {
          await source[Symbol.asyncDispose]();
        }
      }

      const rounds = 80;
      test(`over ${1500 * rounds} packets of all kinds, VLAN tags in one and two layers among them`, async () => {
        const frames = mixedFrames(1500);
        const { count } = await compare({
          waking: false,
          traffic: async () => {
            for (let round = 0; round < rounds; round++) {
              live().sender.send(frames);
              await new Promise((resolve) => setImmediate(resolve));
            }
          },
        });
        expect(count).toBe(1500 * rounds);
      });

      test.each([
        { direction: "both", arguments: [] },
        { direction: "ingress", arguments: ["-Q", "in"] },
        { direction: "egress", arguments: ["-Q", "out"] },
      ] as const)("of TCP streams longer than any frame (GSO): $direction", async (row) => {
        const { sender, receiver } = live().pair;
        const { count, records } = await compare({
          options: { direction: row.direction, include: TCP },
          arguments: [...row.arguments, formatPacketFilter(TCP)],
          traffic: () => stream(sender, receiver, receiver.ipv4),
        });
        expect(count).toBeGreaterThan(100);
        if (row.direction === "ingress") expect(records.length / count).toBeGreaterThan(10_000);
      });

      test("at the same times, also of a TCP stream, when tcpdump copies no more than headers", async () => {
        const { sender, receiver } = live().pair;
        const { count } = await compare({
          options: { include: TCP, snapLength: 100 },
          waking: false,
          arguments: ["-s", "100", formatPacketFilter(TCP)],
          traffic: () => stream(sender, receiver, receiver.ipv4),
        });
        expect(count).toBeGreaterThan(100);
      });

      test.each([
        { what: "a snap length", options: { snapLength: 100 }, arguments: ["-s", "100"] },
        {
          what: "a snap length within the link header",
          options: { snapLength: 15 },
          arguments: ["-s", "15"],
        },
        {
          what: "a filter",
          options: { include: TCP_443 },
          arguments: [formatPacketFilter(TCP_443)],
        },
      ] as const)("with $what", async ({ options, arguments: args }) => {
        const { count } = await compare({
          options,
          arguments: args,
          traffic: () => live().sender.send(mixedFrames(3000)),
        });
        expect(count).toBeGreaterThan(100);
      });

      test("each once on a loopback device", async () => {
        const { receiver } = live().pair;
        const { count } = await compare({
          device: "lo",
          options: { include: TCP },
          arguments: [formatPacketFilter(TCP)],
          traffic: () => stream(receiver, receiver, "127.0.0.1"),
        });
        expect(count).toBeGreaterThan(20);
      });
    });
  });
});

const ANY = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };
const TCP = [{ ...ANY, protocol: 6 }];
const TCP_443 = [{ ...ANY, protocol: 6, destinationPort: 443 }];

/** The whole records in a file that is being written. */
function recordsIn(path: string): number {
  const file = readFileSync(path);
  let count = 0;
  for (let at = FILE_HEADER_LENGTH; at + RECORD_HEADER_LENGTH <= file.length; ) {
    at += RECORD_HEADER_LENGTH + file.readUInt32LE(at + 8);
    if (at <= file.length) count++;
  }
  return count;
}

/** The differences of the times, in nanoseconds and sorted; the times themselves become 0. */
function takeTimes(ours: Buffer, theirs: Buffer): readonly number[] {
  const differences: number[] = [];
  for (let at = 0; at + RECORD_HEADER_LENGTH <= Math.min(ours.length, theirs.length); ) {
    const [own = 0, other = 0] = [ours, theirs].map(
      (records) =>
        (records.readUInt32LE(at + RECORD_SECONDS) - START) * 1e9 +
        records.readUInt32LE(at + RECORD_FRACTION),
    );
    differences.push(Math.abs(own - other));
    for (const records of [ours, theirs]) records.fill(0, at, at + 8);
    at += RECORD_HEADER_LENGTH + theirs.readUInt32LE(at + 8);
  }
  return differences.sort((a, b) => a - b);
}

/** So that nanoseconds fit a number. */
const START = Math.floor(Date.now() / 1000);

/** 64 MiB from one namespace to an address of another. */
async function stream(from: Namespace, to: Namespace, address: string): Promise<void> {
  const server = tcpStream(to, "serve", address, "7000");
  await once(server.stdout, "data");
  const ended = once(server, "close");
  tcpStream(from, "send", address, "7000", String(64 * 1024 * 1024));
  await ended;
}

/** Both ends on one processor: on two, the captures could see sent and received packets in different orders. */
function tcpStream({ name }: Namespace, ...args: string[]) {
  const program = join(repository, "test/support/traffic/tcp-stream.ts");
  const within = ["-c", "0", "ip", "netns", "exec", name, process.execPath, "--import", "tsx"];
  return spawn("taskset", [...within, program, ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
  });
}
