import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { packetsOf } from "../../../src/packet/index.js";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { Assembler } from "../../../src/source/ebpf/program/assembler.js";
import { PATIENCE } from "../../support/patience.js";
import { repository } from "../../support/run.js";
import { describeWithPrograms } from "../../support/shared.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { mixedFrames } from "../../support/traffic/mixed.js";
import { describeLive, type Live, readRecords } from "../libpcap/live.js";
import { expectSafeReuse } from "../reused-batch.js";
import { objectsOf, remaining } from "./bpf-objects.js";
import { describeWithEbpf } from "./kernel-needed.js";

const NOBODY = "65534";

describeWithEbpf("openEbpf: a capture", (kernel) => {
  describeLive("between namespaces", (live) => {
    test("counts packets lost to a full buffer exactly", async () => {
      const { pair, sender } = live();
      const source = await openEbpf(pair.receiver.device, { bufferBytes: 2 ** 17, snapLength: 2000 });
      const frames = mixedFrames(5000);
      sender.send(frames);
      source.stop();
      const { count } = await readRecords(source);
      await source[Symbol.asyncDispose]();
      const { received, dropped } = source.stats();
      expect(count).toBe(received);
      expect(received).toBeGreaterThan(100);
      expect(dropped).toBeGreaterThan(100);
      expect(received + dropped).toBe(frames.length);
    });

    test("wraps its buffer many times without loss", async () => {
      const { pair, sender } = live();
      const source = await openEbpf(pair.receiver.device, { bufferBytes: 2 ** 20 });
      const frames = mixedFrames(500);
      let bytes = 0;
      let received = 0;
      let sent = 0;
      const iterator = source.reusedBatches()[Symbol.asyncIterator]();
      while (bytes < 40 * 2 ** 20 || received < sent) {
        if (received === sent) {
          sender.send(frames);
          sent += frames.length;
        }
        const { value } = await iterator.next();
        for (const packet of packetsOf(value!)) {
          expect(Buffer.compare(packet.bytes, frames[received++ % frames.length]!)).toBe(0);
        }
        bytes += value!.records.length;
      }
      await source[Symbol.asyncDispose]();
      expect(source.stats()).toEqual({ received: sent, dropped: 0 });
    });

    test("wakes for a packet that comes after a long silence", async () => {
      const { pair, sender } = live();
      await using source = await openEbpf(pair.receiver.device);
      const iterator = source[Symbol.asyncIterator]();
      for (let round = 0; round < 3; round++) {
        const next = iterator.next();
        await setTimeout(100);
        sender.send([ipv4Frame({ number: round })]);
        expect((await next).value?.length).toBe(1);
      }
    });

    test("keeps its memory when a batch is transferred", async () => {
      const { pair, sender } = live();
      const sendTen = () => sender.send(mixedFrames(10));
      await expectSafeReuse(await openEbpf(pair.receiver.device, { bufferBytes: 2 ** 19 }), sendTen);
      // The same addresses again.
      await expectSafeReuse(await openEbpf(pair.receiver.device, { bufferBytes: 2 ** 19 }), sendTen);
    });

    test("rejects when the signal is aborted", async () => {
      const { pair } = live();
      const controller = new AbortController();
      await using source = await openEbpf(pair.receiver.device, { signal: controller.signal });
      const next = source[Symbol.asyncIterator]().next();
      controller.abort(new Error("enough"));
      await expect(next).rejects.toThrow("enough");
      await expect(openEbpf(pair.receiver.device, { signal: controller.signal })).rejects.toThrow("enough");
    });

    test("passes packets to other programs on the hook, before and after it", async () => {
      const { pair, sender } = live();
      const { index } = kernel().device(pair.receiver.device);
      const before = await attachCounter(index);
      const source = await openEbpf(pair.receiver.device);
      const after = await attachCounter(index);
      sender.send(mixedFrames(100));
      source.stop();
      const { count } = await readRecords(source);
      await source[Symbol.asyncDispose]();
      sender.send(mixedFrames(50));
      expect(count).toBe(100);
      expect([before.count(), after.count()]).toEqual([150, 150]);
      before.close();
      after.close();
    });

    test("sees packets that another program drops", async () => {
      const { pair, sender } = live();
      const asm = new Assembler();
      asm.alu("r0", "=", TC_ACT_SHOT);
      asm.exit();
      const program = kernel().loadProgram("drop", asm.assemble().encode({}));
      const link = kernel().attach(program, kernel().device(pair.receiver.device).index, "ingress");
      const source = await openEbpf(pair.receiver.device);
      sender.send(mixedFrames(100));
      source.stop();
      expect((await readRecords(source)).count).toBe(100);
      await source[Symbol.asyncDispose]();
      kernel().close(link);
      kernel().close(program);
    });

    /** A program that counts packets and passes them on. */
    async function attachCounter(device: number): Promise<{ count(): number; close(): void }> {
      const map = kernel().createValueMap("counter", 4096);
      const asm = new Assembler();
      asm.mapValue("r1", "ring", 0);
      asm.alu("r2", "=", 1);
      asm.fetchAdd({ base: "r1", offset: 0 }, 64, "r2");
      asm.alu32("r0", "=", -1);
      asm.exit();
      const program = kernel().loadProgram("counter", asm.assemble().encode({ ring: map }));
      const link = kernel().attach(program, device, "ingress");
      const memory = kernel().reserveMemory(4096);
      memory.map(0, 4096, map, 0, "read");
      const counter = new BigInt64Array(memory.buffer, 0, 1);
      return {
        count: () => Number(counter[0]),
        close: () => {
          memory.release();
          for (const descriptor of [link, program, map]) kernel().close(descriptor);
        },
      };
    }

    describe("on a device without link headers", () => {
      test("yields raw IP, in both directions, filtered", async () => {
        const { receiver } = live().pair;
        const tun = openTun(live(), "tun0");
        receiver.ip("addr", "add", "10.79.0.1/24", "dev", "tun0");
        receiver.ip("link", "set", "tun0", "up");
        const any = "0.0.0.0/0";
        const include = [
          { sourceCidr: any, destinationCidr: "10.79.0.1/32", protocol: 17, destinationPort: 53 },
          { sourceCidr: "10.79.0.1/32", destinationCidr: any, protocol: 17, destinationPort: 9999 },
        ];
        const source = await openEbpf("tun0", { include });
        expect(source.interfaces).toMatchObject([{ linkType: 101, name: "tun0" }]);
        const arriving = udpPacket([10, 79, 0, 2], [10, 79, 0, 1], 1234, 53, 1000);
        writeSync(tun, arriving);
        writeSync(tun, udpPacket([10, 79, 0, 2], [10, 79, 0, 1], 1234, 54, 1000));
        const socket = createSocket("udp4");
        socket.send("to nobody", 9999, "10.79.0.9");
        await once(socket, "listening");
        const leaving = Buffer.alloc(2000);
        // IPv6 and other noise of the kernel's own may come first.
        let length = 0;
        await vi.waitFor(() => {
          length = readNow(tun, leaving);
          expect([leaving[0], leaving[9]]).toEqual([0x45, 17]);
        }, PATIENCE);
        socket.close();
        source.stop();
        const packets: Buffer[] = [];
        for await (const batch of source) {
          for (const { bytes } of packetsOf(batch)) packets.push(Buffer.from(bytes));
        }
        await source[Symbol.asyncDispose]();
        closeSync(tun);
        expect(packets).toEqual([arriving, leaving.subarray(0, length)]);
      });
    });

    describe("that fails", () => {
      test("reports an unknown device", async () => {
        await expect(openEbpf("nowhere0")).rejects.toMatchObject({ code: "no_such_device" });
        await expect(openEbpf("")).rejects.toMatchObject({ code: "no_such_device" });
        await expect(openEbpf("a-name-too-long-for-Linux")).rejects.toMatchObject({ code: "no_such_device" });
        await expect(openEbpf("recv0\0eth")).rejects.toMatchObject({ code: "no_such_device" });
      });

      test("reports a device that is down", async () => {
        const { receiver } = live().pair;
        receiver.ip("link", "add", "down0", "type", "veth", "peer", "name", "down1");
        await expect(openEbpf("down0")).rejects.toMatchObject({
          code: "device_down",
          message: "down0 is down: ip link set down0 up",
        });
        receiver.ip("link", "del", "down0");
      });

      test("ends with an error when the device is removed, after the packets before", async () => {
        const { receiver } = live().pair;
        receiver.ip("link", "add", "gone0", "type", "veth", "peer", "name", "gone1");
        receiver.ip("link", "set", "gone0", "up");
        const source = await openEbpf("gone0");
        const iterator = source[Symbol.asyncIterator]();
        receiver.ip("link", "del", "gone0");
        await expect(
          (async () => {
            while ((await iterator.next()).done !== true);
          })(),
        ).rejects.toMatchObject({
          code: "device_gone",
          message: "gone0 was removed while it was captured from",
        });
        await source[Symbol.asyncDispose]();
      });
    });

    describeWithPrograms("in another process", ["bpftool", "setpriv"], () => {
      test("detaches when it is killed", async () => {
        const { receiver } = live().pair;
        const child = capture(receiver.name, [], receiver.device);
        expect(await firstLine(child)).toBe("READY");
        const objects = objectsOf(child.pid as number);
        expect([...objects].map((object) => object.split(" ")[0]).sort()).toEqual([
          "link",
          "link",
          "map",
          "map",
          "prog",
          "prog",
        ]);
        expect(remaining(objects)).toHaveLength(6);
        const closed = once(child, "close");
        child.kill("SIGKILL");
        await closed;
        // The kernel frees maps and programs after a grace period.
        await vi.waitFor(() => expect(remaining(objects)).toEqual([]), PATIENCE);
      });

      test.each([
        { filters: "every packet", count: 0, received: 1000 },
        { filters: "ten filters", count: 10, received: 200 },
        { filters: "a thousand filters", count: 1000, received: 200 },
      ])("works for an unprivileged user with CAP_BPF and CAP_NET_ADMIN: $filters", async (row) => {
        const { pair, sender } = live();
        const { name, device } = pair.receiver;
        const child = capture(name, asNobody("bpf", "net_admin"), device, String(row.count));
        expect(await firstLine(child)).toBe("READY");
        sender.send(
          Array.from({ length: 1000 }, (_, number) =>
            ipv4Frame({ number, destinationPort: 50 + (number % 5) }),
          ),
        );
        child.stdin?.end("stop\n");
        expect(JSON.parse(await firstLine(child))).toEqual({ received: row.received, dropped: 0 });
      });

      test.each([
        { capabilities: ["bpf"], missing: "CAP_NET_ADMIN" },
        { capabilities: ["net_admin"], missing: "CAP_BPF" },
        { capabilities: [], missing: "CAP_BPF and CAP_NET_ADMIN" },
      ])("with only [$capabilities] reports that $missing is missing", async ({ capabilities, missing }) => {
        const { receiver } = live().pair;
        const child = capture(receiver.name, asNobody(...capabilities), receiver.device);
        expect(JSON.parse(await firstLine(child))).toEqual({
          code: "capture_denied",
          message: expect.stringContaining(`this process has not got ${missing}: run it with`),
        });
      });
    });
  });
});

const TC_ACT_SHOT = 2;

function capture(namespace: string, within: readonly string[], ...rest: readonly string[]): ChildProcess {
  const program = join(repository, "test/source/ebpf/programs/capture.ts");
  const args = ["netns", "exec", namespace, ...within, process.execPath, "--import", "tsx", program, ...rest];
  return spawn("ip", args, { cwd: repository, stdio: ["pipe", "pipe", "inherit"] });
}

function asNobody(...capabilities: readonly string[]): readonly string[] {
  const set = ["-all", ...capabilities.map((name) => `+${name}`)].join();
  const ids = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
  return ["setpriv", ...ids, "--inh-caps", set, "--ambient-caps", set, "--bounding-set", set];
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [data] = await once(child.stdout!, "data");
  return String(data).trim();
}

const TUNSETIFF = 0x400454ca;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const O_RDWR_NONBLOCK = 2 | 0o4000;

/** A device of this namespace whose other end is a descriptor. */
function openTun({ koffi }: Live, name: string): number {
  const descriptor = openSync("/dev/net/tun", O_RDWR_NONBLOCK);
  const request = new Uint8Array(40);
  request.set(Buffer.from(name));
  new DataView(request.buffer).setUint16(16, IFF_TUN | IFF_NO_PI, true);
  const ioctl = koffi.load(null).func("int ioctl(int, unsigned long, void*)") as (
    descriptor: number,
    call: number,
    request: Uint8Array,
  ) => number;
  if (ioctl(descriptor, TUNSETIFF, request) !== 0) throw new Error(`TUNSETIFF failed with ${koffi.errno()}`);
  return descriptor;
}

function readNow(descriptor: number, into: Buffer): number {
  try {
    return readSync(descriptor, into);
  } catch {
    return 0;
  }
}

function udpPacket(
  source: readonly number[],
  destination: readonly number[],
  sourcePort: number,
  destinationPort: number,
  length: number,
): Buffer {
  const packet = Buffer.alloc(length, 7);
  packet.fill(0, 0, 28);
  packet[0] = 0x45;
  packet.writeUInt16BE(length, 2);
  packet[8] = 64;
  packet[9] = 17;
  packet.set([...source, ...destination], 12);
  packet.writeUInt16BE(sourcePort, 20);
  packet.writeUInt16BE(destinationPort, 22);
  packet.writeUInt16BE(length - 20, 24);
  return packet;
}
