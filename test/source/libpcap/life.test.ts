import { describe, expect, test, vi } from "vitest";
import { type LibpcapOptions, listDevices } from "../../../src/source/libpcap/index.js";
import { open, type TestOptions } from "../../../src/source/libpcap/open.js";
import { PATIENCE } from "../../support/patience.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { RawSender } from "../../support/traffic/raw-sender.js";
import { expectSafeReuse } from "../reused-batch.js";
import { describeLive, heldByCaptures, readRecords } from "./live.js";

const NOTHING = "0 sockets, 0 files";
const FRAMES = Array.from({ length: 1000 }, (_, number) => ipv4Frame({ number, length: 1000 }));

describeLive(
  "openLibpcap: a capture",
  (live) => {
    const openHere = (options: LibpcapOptions = {}, test: TestOptions = {}) =>
      open(live().pair.receiver.device, options, { onThisThread: true, ...test });

    test("counts packets that the kernel drops while nothing is read", async () => {
      const source = await openHere({ bufferBytes: 1024 * 1024 });
      live().sender.send(FRAMES);
      live().sender.send(FRAMES);
      source.stop();
      const { count } = await readRecords(source);
      const { received, dropped } = source.stats();
      expect(dropped).toBeGreaterThan(0);
      expect(received).toBe(count);
      expect(received + dropped).toBe(2000);
      await source[Symbol.asyncDispose]();
      expect(source.stats()).toEqual({ received, dropped });
    });

    test("adds up drops from batch to batch, each once", async () => {
      const source = await openHere({ bufferBytes: 512 * 1024 });
      let last = 0;
      for (let round = 0; round < 5; round++) {
        live().sender.send(FRAMES);
        const { dropped } = source.stats();
        expect(dropped).toBeGreaterThanOrEqual(last);
        expect(source.stats().dropped).toBe(dropped);
        last = dropped;
      }
      source.stop();
      const { count } = await readRecords(source);
      expect(count + source.stats().dropped).toBe(5000);
      await source[Symbol.asyncDispose]();
    });

    test("reads packets longer than predicted without loss", async () => {
      const source = await openHere({ bufferBytes: 64 * 1024 * 1024 });
      const small = Array.from({ length: 64 }, (_, number) => ipv4Frame({ number, length: 60 }));
      const large = Array.from({ length: 640 }, (_, number) => ipv4Frame({ number, length: 9000 }));
      for (let round = 0; round < 4; round++) {
        for (let burst = 0; burst < 20; burst++) live().sender.send(small);
        live().sender.send(large);
      }
      source.stop();
      const lengths = new Map<number, number>();
      for await (const { records, offsets, length } of source.reusedBatches()) {
        const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
        for (let index = 0; index < length; index++) {
          const captured = view.getUint32(offsets[index]! + 8, true);
          lengths.set(captured, (lengths.get(captured) ?? 0) + 1);
        }
      }
      expect([...lengths]).toEqual([
        [60, 4 * 20 * 64],
        [9000, 4 * 640],
      ]);
      await source[Symbol.asyncDispose]();
    });

    test("runs timers at any packet rate", async () => {
      const source = await openHere({ bufferBytes: 4 * 1024 * 1024 });
      let turns = 0;
      const timer = setInterval(() => {
        turns++;
        live().sender.send(FRAMES.slice(0, 600));
        if (turns === 20) source.stop();
      }, 1);
      const { count } = await readRecords(source);
      clearInterval(timer);
      expect(turns).toBeGreaterThanOrEqual(20);
      // Packets that were sent after the last read have not arrived.
      expect(count + source.stats().dropped).toBeLessThanOrEqual(600 * turns);
      await source[Symbol.asyncDispose]();
    });

    test("stop: ends while packets continue to arrive", async () => {
      const source = await openHere({ bufferBytes: 1024 * 1024 });
      source.stop();
      let batches = 0;
      for await (const _ of source.reusedBatches()) {
        batches++;
        live().sender.send(FRAMES.slice(0, 500));
      }
      expect(batches).toBeGreaterThanOrEqual(0);
      await source[Symbol.asyncDispose]();
    });

    describe("with a signal", () => {
      const REASON = new Error("enough");

      test("rejects while opening, and closes the device", async () => {
        const controller = new AbortController();
        const opening = openHere({ signal: controller.signal });
        controller.abort(REASON);
        await expect(opening).rejects.toBe(REASON);
        await vi.waitFor(() => expect(heldByCaptures()).toBe(NOTHING), PATIENCE);
      });

      test("rejects during a wait for packets", async () => {
        const controller = new AbortController();
        const source = await openHere({ signal: controller.signal });
        const pending = source[Symbol.asyncIterator]().next();
        setImmediate(() => controller.abort(REASON));
        await expect(pending).rejects.toBe(REASON);
        await source[Symbol.asyncDispose]();
        expect(heldByCaptures()).toBe(NOTHING);
      });

      test("rejects while packets arrive", async () => {
        const controller = new AbortController();
        const source = await openHere({ signal: controller.signal });
        live().sender.send(FRAMES);
        const iterator = source[Symbol.asyncIterator]();
        await iterator.next();
        controller.abort(REASON);
        await expect(iterator.next()).rejects.toBe(REASON);
        await source[Symbol.asyncDispose]();
      });
    });

    test("closes at any moment, and again", async () => {
      for (let round = 0; round < 10; round++) {
        const source = await openHere();
        const pending = source[Symbol.asyncIterator]().next();
        if (round % 2 === 0) live().sender.send(FRAMES.slice(0, 10));
        if (round % 3 === 0) source.stop();
        if (round % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
        await Promise.all([source[Symbol.asyncDispose](), source[Symbol.asyncDispose](), pending]);
        source.stop();
        source.stats();
        await source[Symbol.asyncDispose]();
      }
      expect(heldByCaptures()).toBe(NOTHING);
    });

    test.each([{ packetByPacket: false }, { packetByPacket: true }])(
      "keeps its memory when a batch is transferred: %o",
      async (options) => {
        await expectSafeReuse(await openHere({}, options), () => live().sender.send(FRAMES.slice(0, 10)));
        expect(heldByCaptures()).toBe(NOTHING);
      },
    );

    test.each([
      { direction: "in", wanted: [1] },
      { direction: "out", wanted: [2] },
      { direction: "both", wanted: [1, 2] },
    ] as const)("captures packets of the direction: $direction", async ({ direction, wanted }) => {
      const { koffi, pair, sender } = live();
      const source = await openHere({ direction });
      const outwards = RawSender.create(koffi, pair.receiver.device, false);
      sender.send([ipv4Frame({ number: 1 })]);
      outwards.send([ipv4Frame({ number: 2 })]);
      outwards.close();
      source.stop();
      const { records } = await readRecords(source);
      expect(numbersIn(records)).toEqual(wanted);
      await source[Symbol.asyncDispose]();
    });

    test("captures each packet on lo once, although the kernel reports it twice", async () => {
      const source = await open("lo", {}, { onThisThread: true });
      const sender = RawSender.create(live().koffi, "lo", false);
      sender.send([1, 2, 3].map((number) => ipv4Frame({ number })));
      sender.close();
      source.stop();
      expect(numbersIn((await readRecords(source)).records)).toEqual([1, 2, 3]);
      await source[Symbol.asyncDispose]();
    });

    test("listDevices: lists the devices", async () => {
      const { device, ipv4 } = live().pair.receiver;
      const devices = await listDevices();
      expect(devices).toContainEqual(
        expect.objectContaining({ name: device, addresses: [ipv4], up: true, loopback: false }),
      );
      expect(devices).toContainEqual(expect.objectContaining({ name: "lo", loopback: true }));
    });
  },
  { mtu: 9000 },
);

/** The IPv4 identifications of Ethernet frames. */
function numbersIn(records: Buffer): number[] {
  const numbers: number[] = [];
  for (let offset = 0; offset < records.length; offset += 16 + records.readUInt32LE(offset + 8)) {
    numbers.push(records.readUInt16BE(offset + 16 + 18));
  }
  return numbers;
}
