import { describe, expect, test } from "vitest";
import { type PacketBatch, packetsOf } from "../../../src/packet/index.js";
import { createFlightRecorder } from "../../../src/recorder/index.js";
import { open as openLibpcap } from "../../../src/source/libpcap/open.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { open } from "../../../src/source/packet-socket/open.js";
import { memorySink } from "../../recorder/sinks.js";
import { withoutCapability } from "../../support/capability.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { RawSender } from "../../support/traffic/raw-sender.js";
import { describeLive, heldByCaptures, type Live, readRecords } from "../libpcap/live.js";

const HERE = { onThisThread: true };
const RING_BYTES = 2 * 1024 * 1024;
const TEN = Array.from({ length: 10 }, (_, number) => ipv4Frame({ number }));

/** A second pair of interfaces between the namespaces, which a test may remove. */
function addInterfaces({ pair, namespaces, koffi }: Live, name: string) {
  const { sender, receiver } = pair;
  sender.ip("link", "add", `${name}s`, "type", "veth", "peer", "name", name, "netns", receiver.name);
  sender.ip("link", "set", `${name}s`, "up");
  receiver.ip("link", "set", name, "up");
  return { device: name, sender: namespaces.inside(sender, () => RawSender.create(koffi, `${name}s`)) };
}

function bytesOf(batch: PacketBatch): string[] {
  return Array.from(packetsOf(batch), ({ bytes }) => Buffer.from(bytes).toString("hex"));
}

/** The packets of a source, up to a number. */
async function read(source: AsyncIterable<PacketBatch>, count: number): Promise<string[]> {
  const packets: string[] = [];
  for await (const batch of source) {
    packets.push(...bytesOf(batch));
    if (packets.length >= count) break;
  }
  return packets;
}

describeLive("openPacketSocket", (live) => {
  describe("captures what openLibpcap does", () => {
    const FRAMES = [
      ...TEN,
      ipv4Frame({ number: 11, length: 1400 }),
      // A tag that the receiving interface leaves in the packet.
      ipv4Frame({ number: 12, tags: [[0x8100, 5]] }),
    ];

    test.each([
      { name: "everything", options: {} },
      { name: "an expression", options: { expression: "greater 1000 or vlan" } },
      {
        name: "filters",
        options: { include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "10.77.0.2/32" }] },
      },
      { name: "a snap length", options: { snapLength: 40 } },
      { name: "received packets", options: { direction: "in" } },
    ] as const)("with $name", async ({ options }) => {
      const { pair, sender } = live();
      const { device } = pair.receiver;
      await using expected = await openLibpcap(device, options, HERE);
      await using source = await open(device, options, HERE);
      sender.send(FRAMES);
      const all: string[][] = [];
      for (const one of [expected, source]) {
        const packets: string[] = [];
        const reading = (async () => {
          for await (const batch of one) packets.push(...bytesOf(batch));
        })();
        one.stop();
        await reading;
        all.push(packets);
      }
      expect(all[1]).toEqual(all[0]);
      expect(all[1]?.length).toBeGreaterThan(0);
    });

    test("of sent packets, none with direction in", async () => {
      const { pair } = live();
      await using source = await open(pair.receiver.device, { direction: "out" }, HERE);
      live().sender.send(TEN);
      source.stop();
      expect((await readRecords(source)).count).toBe(0);
    });

    test("on lo, each packet once", async () => {
      const { pair, koffi, namespaces } = live();
      const sender = namespaces.inside(pair.receiver, () => RawSender.create(koffi, "lo", false));
      await using source = await open("lo", {}, HERE);
      sender.send(TEN);
      expect(await read(source, 10)).toEqual(TEN.map((frame) => Buffer.from(frame).toString("hex")));
      sender.close();
    });
  });

  test("rejects what it cannot capture from, with the errors of openLibpcap", async () => {
    const missing = { code: "no_such_device" };
    await expect(open("missing0", {}, HERE)).rejects.toMatchObject(missing);
    await expect(open("", {}, HERE)).rejects.toMatchObject(missing);
    await expect(open("any", {}, HERE)).rejects.toMatchObject({
      code: "capture_unavailable",
      message: expect.stringContaining("use openLibpcap"),
    });
    await expect(open("lo", { expression: "no such" }, HERE)).rejects.toMatchObject({
      code: "invalid_expression",
    });
    await expect(open("lo", { keepBytes: -1 }, HERE)).rejects.toMatchObject({ name: "OptionsError" });
    const { device, sender } = addInterfaces(live(), "psdown0");
    live().pair.receiver.ip("link", "set", device, "down");
    await expect(open(device, {}, HERE)).rejects.toMatchObject({ code: "device_down" });
    sender.close();
    live().pair.receiver.ip("link", "del", device);
    expect(heldByCaptures()).toBe("0 sockets, 0 files");
  });

  test("rejects without CAP_NET_RAW, and says what to do", async () => {
    const koffi = await loadKoffi();
    const opening = withoutCapability(koffi, "CAP_NET_RAW", () => open("lo", {}, HERE));
    await expect(opening).rejects.toMatchObject({
      code: "capture_denied",
      message: expect.stringContaining("CAP_NET_RAW"),
    });
  });

  test("continues when the interface goes down and up again", async () => {
    const { receiver } = live().pair;
    const { device, sender } = addInterfaces(live(), "psflap0");
    const source = await open(device, {}, HERE);
    try {
      const iterator = source[Symbol.asyncIterator]();
      for (let round = 0; round < 3; round++) {
        const pending = iterator.next();
        receiver.ip("link", "set", device, "down");
        await new Promise((resolve) => setTimeout(resolve, 30));
        receiver.ip("link", "set", device, "up");
        sender.send(TEN);
        for (let count = (await pending).value?.length ?? 0; count < 10; )
          count += (await iterator.next()).value?.length ?? 0;
      }
      expect(source.stats()).toEqual({ received: 30, dropped: 0 });
    } finally {
      await source[Symbol.asyncDispose]();
      sender.close();
      receiver.ip("link", "del", device);
    }
  });

  test("ends after the packets before when the interface is removed", async () => {
    const { device, sender } = addInterfaces(live(), "psgone0");
    const source = await open(device, {}, HERE);
    let count = 0;
    const reading = (async () => {
      for await (const batch of source) count += batch.length;
    })();
    const outcome = expect(reading).rejects.toMatchObject({ code: "device_gone" });
    sender.send(TEN);
    live().pair.receiver.ip("link", "del", device);
    await outcome;
    expect(count).toBe(10);
    await source[Symbol.asyncDispose]();
    sender.close();
    expect(heldByCaptures()).toBe("0 sockets, 0 files");
  });

  describe("with a flight recorder", () => {
    /** Sends until the recorder has seen that many packets. */
    async function sendUntil(seen: number, stats: () => { readonly packetsSeen: number }): Promise<void> {
      for (let sent = stats().packetsSeen; sent < seen; sent += 100) {
        live().sender.send(
          Array.from({ length: 100 }, (_, at) => ipv4Frame({ number: sent + at, length: 1000 })),
        );
        while (stats().packetsSeen < sent + 100) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }

    test("writes the packets before a trigger from the memory of the kernel", async () => {
      const sink = memorySink();
      const source = await open(live().pair.receiver.device, { keepBytes: RING_BYTES }, HERE);
      const recorder = createFlightRecorder(source, {
        ringBytes: RING_BYTES,
        beforeMs: 600_000,
        afterMs: 0,
        sink: sink.open,
      });
      // More than the ring holds, in blocks that are far from full: they move.
      await sendUntil(5000, () => recorder.stats);
      recorder.trigger();
      recorder.stop();
      const { stats } = await recorder.stopped;
      expect(stats).toMatchObject({ packetsSeen: 5000, packetsLostInKernel: 0, packetsLost: 0 });
      expect(stats.packetsWritten).toBeGreaterThan(1000);
      expect(stats.packetsExpired + stats.packetsWritten + stats.packetsInRing).toBe(5000);
      const written = sink.batches.flatMap(bytesOf);
      const first = 5000 - written.length;
      expect(written).toEqual(
        Array.from({ length: written.length }, (_, at) =>
          Buffer.from(ipv4Frame({ number: first + at, length: 1000 })).toString("hex"),
        ),
      );
      await source[Symbol.asyncDispose]();
      expect(heldByCaptures()).toBe("0 sockets, 0 files");
    });

    test.each(["the source is closed", "the interface is removed"])(
      "writes what has arrived when %s",
      async (how) => {
        const { device, sender } = addInterfaces(live(), "pskept0");
        const sink = memorySink({ hold: ["open"] });
        const source = await open(device, { keepBytes: RING_BYTES }, HERE);
        const recorder = createFlightRecorder(source, { ringBytes: RING_BYTES, sink: sink.open });
        const settled = recorder.stopped.catch((error: unknown) => error);
        sender.send(TEN);
        while (recorder.stats.packetsSeen < 10) await new Promise((resolve) => setTimeout(resolve, 1));
        recorder.trigger();
        while (sink.pending !== "open") await new Promise((resolve) => setTimeout(resolve, 1));
        if (how === "the source is closed") await source[Symbol.asyncDispose]();
        live().pair.receiver.ip("link", "del", device);
        // The memory outlives the socket until the recorder has ended.
        sink.release();
        const outcome = await settled;
        if (how === "the source is closed") expect(outcome).toMatchObject({ reason: "source_end" });
        else expect(outcome).toMatchObject({ code: "device_gone" });
        expect(sink.batches.flatMap(bytesOf)).toEqual(TEN.map((frame) => Buffer.from(frame).toString("hex")));
        await source[Symbol.asyncDispose]();
        sender.close();
        expect(heldByCaptures()).toBe("0 sockets, 0 files");
      },
    );
  });
});
