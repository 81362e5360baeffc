import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { LibpcapOptions, LibpcapSource } from "../../../src/source/libpcap/index.js";
import { open, type TestOptions } from "../../../src/source/libpcap/open.js";
import type { Namespace } from "../../support/netns.js";
import { repository } from "../../support/run.js";
import { describeWithPrograms } from "../../support/shared.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { mixedFrames } from "../../support/traffic/mixed.js";
import { describeLive, readRecords } from "./live.js";
import { startTcpdump, type Tcpdump } from "./tcpdump.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-libpcap-"));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Room for all that a test sends before it reads. */
const LARGE_BUFFER = 128 * 1024 * 1024;
/** The last frame of every test, which matches every filter of these tests. */
const LAST = ipv4Frame({ number: 0xffff, protocol: 6, sourcePort: 4444, destinationPort: 443, length: 777 });
/** The bytes that are recorded of it with any snap length and link type: from the IP header on. */
const MARK = LAST.subarray(14, 60);

/** Everything but the kernel's own IPv6 packets, whose times differ between two captures. */
const FROM_SENDER = "ether src 02:11:22:33:44:55";
const NO_NEIGHBOURS = "not (icmp6 or ip6[6] == 0) or ip6 src fd00:77::1";
const TCP_ONLY = "tcp";

const MODES: readonly { readonly mode: string; readonly options: TestOptions }[] = [
  { mode: "in batches", options: {} },
  { mode: "packet by packet", options: { packetByPacket: true, isPolling: true } },
];

describeWithPrograms("openLibpcap: compared with tcpdump", ["tcpdump"], () => {
  describeLive(
    "yields the same bytes, in the same order",
    (live) => {
      /** Captures with both while `traffic` runs. */
      async function capture({
        device = live().pair.receiver.device,
        options = {},
        test: testOptions = {},
        arguments: args = [],
        traffic,
      }: {
        device?: string;
        options?: LibpcapOptions;
        test?: TestOptions;
        arguments?: readonly string[];
        traffic: () => void | Promise<void>;
      }): Promise<{ ours: Buffer; theirs: Buffer; count: number; source: LibpcapSource }> {
        const tcpdump: Tcpdump = await startTcpdump(join(folder, `${files++}.pcap`), device, ...args);
        const source = await open(
          device,
          { bufferBytes: LARGE_BUFFER, ...options },
          { onThisThread: true, ...testOptions },
        );
        try {
          const reading = readRecords(source);
          await traffic();
          live().sender.send([LAST]);
          const theirs = upToLast(await tcpdump.finish(MARK));
          source.stop();
          const { records, count } = await reading;
          expect(source.stats().dropped).toBe(0);
          return { ours: upToLast(records), theirs, count, source };
        } finally {
          await source[Symbol.asyncDispose]();
        }
      }

      async function compare(
        what: Parameters<typeof capture>[0],
      ): Promise<Awaited<ReturnType<typeof capture>>> {
        const captured = await capture(what);
        expect(captured.ours.length).toBe(captured.theirs.length);
        expect(captured.ours.equals(captured.theirs)).toBe(true);
        return captured;
      }

      const rounds = 80;
      test.each(MODES)(`over ${1500 * rounds} packets of all kinds ($mode)`, async ({ options }) => {
        const frames = mixedFrames(1500);
        const { count } = await compare({
          options: { expression: FROM_SENDER },
          arguments: [FROM_SENDER],
          test: options,
          traffic: async () => {
            for (let round = 0; round < rounds; round++) {
              live().sender.send(frames);
              await new Promise((resolve) => setImmediate(resolve));
            }
          },
        });
        expect(count).toBe(1500 * rounds + 1);
      });

      test.each(["ipv4", "ipv6"] as const)(
        "of a TCP stream, longer than any frame (GSO, %s)",
        async (family) => {
          const { sender, receiver } = live().pair;
          const address = receiver[family];
          const { count, ours, theirs } = await capture({
            options: { expression: TCP_ONLY },
            arguments: [TCP_ONLY],
            traffic: async () => {
              const server = tcpStream(receiver, "serve", address, "7000");
              await once(server.stdout, "data");
              const ended = once(server, "close");
              tcpStream(sender, "send", address, "7000", String(64 * 1024 * 1024));
              await ended;
            },
          });
          expect(count).toBeGreaterThan(1000);
          expect(ours.length / count).toBeGreaterThan(3000);
          // The kernel reads the time of such a packet for each capture, when each is served: the times are not equal.
          expect(ours.length).toBe(theirs.length);
          expect(withoutTimes(ours).equals(withoutTimes(theirs))).toBe(true);
        },
      );

      test.each([
        { what: "snap length", options: { snapLength: 100 }, arguments: ["-s", "100", FROM_SENDER] },
        { what: "expression", options: { expression: "tcp port 443" }, arguments: ["tcp port 443"] },
        {
          what: "expression about VLANs",
          options: { expression: "tcp or (vlan and ip6)" },
          arguments: ["tcp or (vlan and ip6)"],
        },
        { what: "direction in", options: { direction: "in" }, arguments: ["-Q", "in", FROM_SENDER] },
      ] as const)("with a $what", async ({ options, arguments: args }) => {
        const { count } = await compare({
          options: { expression: FROM_SENDER, ...options },
          arguments: args,
          traffic: () => live().sender.send(mixedFrames(3000)),
        });
        expect(count).toBeGreaterThan(100);
      });

      test("of all interfaces, with cooked headers", async () => {
        const { source } = await compare({
          device: "any",
          options: { expression: NO_NEIGHBOURS },
          arguments: [NO_NEIGHBOURS],
          traffic: () => live().sender.send(mixedFrames(3000)),
        });
        expect(source.interfaces).toMatchObject([{ name: "any", linkType: 276, resolution: "ns" }]);
      });
    },
    { ipv6: true },
  );
});

/** Both ends on one processor: on two, the captures could see sent and received packets in different orders. */
function tcpStream({ name }: Namespace, ...args: string[]) {
  const program = join(repository, "test/support/traffic/tcp-stream.ts");
  const within = ["-c", "0", "ip", "netns", "exec", name, process.execPath, "--import", "tsx"];
  return spawn("taskset", [...within, program, ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** The records up to the last packet that was sent; later ones may have arrived after one of the two was stopped. */
function upToLast(records: Buffer): Buffer {
  const at = records.lastIndexOf(MARK);
  expect(at).toBeGreaterThan(0);
  return records.subarray(0, at + MARK.length);
}

function offsetsOf(records: Buffer): number[] {
  const offsets: number[] = [];
  for (let offset = 0; offset + 16 < records.length; offset += 16 + records.readUInt32LE(offset + 8)) {
    offsets.push(offset);
  }
  return offsets;
}

function withoutTimes(records: Buffer): Buffer {
  const copy = Buffer.from(records);
  for (const offset of offsetsOf(records)) copy.fill(0, offset, offset + 8);
  return copy;
}
