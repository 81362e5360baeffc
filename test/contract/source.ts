import { describe, expect, test } from "vitest";
import {
  createBatch,
  type PacketBatch,
  type PacketFormat,
  type PacketInit,
  type PacketSource,
  packetsOf,
} from "../../src/packet/index.js";
import { isEmptyBatch } from "../../src/packet/side-blocks.js";

/** The packets that a source under test yields. */
export interface Delivery {
  readonly format: PacketFormat;
  /** In batches, which a source may regroup; no batch is empty. */
  readonly batches: readonly (readonly PacketInit[])[];
  /** What comes after the last packet. */
  readonly ending: Ending;
}

/** A source ends by itself, throws {@link SourceContract.failure}, or waits for packets that never come. */
export type Ending = "end" | "fail" | "wait";

/** How to open a source under test, and which parts of the contract apply. */
export interface SourceContract {
  /** Opens a source that yields exactly these packets, in their order. */
  open(delivery: Delivery): Promise<PacketSource>;
  /**
   * The endings that the source supports. A live source has only "wait": the suite then reads as many packets as were written,
   * and stops it.
   */
  readonly endings: readonly Ending[];
  /** Properties of the error that is thrown after the last packet if the ending is "fail". */
  readonly failure?: object;
  /** Formats in which it can yield packets. */
  readonly formats: readonly PacketFormat[];
  /** False for live sources, where the time is that of the capture. Default: true. */
  readonly keepsTimes?: boolean;
  /** Whether it has `reusedBatches`. */
  readonly reusesBatches: boolean;
  /** The resource that is still open (a file, a running generator) after disposal; "" if all are closed. */
  held?(): string;
}

/** The rules for every {@link PacketSource}. */
export function sourceContract(name: string, contract: SourceContract): void {
  const { endings, formats, failure, reusesBatches, keepsTimes = true } = contract;
  const format = formats[0] as PacketFormat;
  const canEnd = endings.includes("end");
  const sources: PacketSource[] = [];

  /** A source that yields the packets, and then ends if it can. */
  async function open(
    batches: readonly (readonly PacketInit[])[],
    { ending = canEnd ? "end" : "wait", as = format }: { ending?: Ending; as?: PacketFormat } = {},
  ): Promise<PacketSource> {
    const source = await contract.open({ format: as, batches, ending });
    sources.push(source);
    return source;
  }

  /** Reads the packets, and up to the end if there is one. */
  async function readAll(
    source: PacketSource,
    wanted: readonly (readonly PacketInit[])[],
    batches: AsyncIterable<PacketBatch> = source,
  ): Promise<ReadPacket[]> {
    const count = wanted.flat().length;
    const packets: ReadPacket[] = [];
    for await (const batch of batches) {
      packets.push(...readBatch(batch));
      if (!canEnd && packets.length >= count) source.stop?.();
    }
    return packets;
  }

  function expectedOf(batches: readonly (readonly PacketInit[])[], as = format): ReadPacket[] {
    return readBatch(createBatch(as, batches.flat()));
  }

  /** Times only where the source keeps them. */
  function comparable(packets: readonly ReadPacket[]): unknown[] {
    return packets.map(({ time, ...rest }) => (keepsTimes ? { time, ...rest } : rest));
  }

  /** A test that disposes of its sources. */
  function sourceTest(title: string, run: () => Promise<void>): void {
    test(title, async () => {
      try {
        await run();
      } finally {
        await Promise.all(sources.splice(0).map((source) => source[Symbol.asyncDispose]()));
      }
      expect(contract.held?.() ?? "").toBe("");
    });
  }

  describe(`${name}: contract of PacketSource`, () => {
    describe("packets", () => {
      for (const as of formats) {
        sourceTest(`come whole and in order (link type ${as.linkType}, ${as.resolution})`, async () => {
          const source = await open(SOME_BATCHES, { as });
          const packets = await readAll(source, SOME_BATCHES);
          expect(comparable(packets)).toEqual(comparable(expectedOf(SOME_BATCHES, as)));
        });
      }

      sourceTest("are counted exactly", async () => {
        const many = [numbered(3000), numbered(1), numbered(500)];
        const source = await open(many);
        expect(comparable(await readAll(source, many))).toEqual(comparable(expectedOf(many)));
        expect(source.stats().received).toBe(3501);
      });

      if (canEnd) {
        sourceTest("may be missing", async () => {
          const source = await open([]);
          expect(await readAll(source, [])).toEqual([]);
          expect(source.stats()).toEqual({ received: 0, dropped: 0 });
        });
      }

      sourceTest("are framed as records, of an interface that the source lists", async () => {
        const source = await open(SOME_BATCHES);
        let read = 0;
        for await (const batch of source) {
          expect(framingOf(batch)).toBe("well framed");
          const { linkType, resolution, interfaceId } = batch.format;
          expect(source.interfaces[interfaceId]).toMatchObject({ linkType, resolution });
          read += batch.length;
          if (!canEnd && read === SOME_PACKETS) source.stop?.();
        }
        expect(read).toBe(SOME_PACKETS);
      });

      sourceTest("belong to the reader: later batches do not change them", async () => {
        const source = await open(SOME_BATCHES);
        const batches: PacketBatch[] = [];
        const whenRead: ReadPacket[] = [];
        for await (const batch of source) {
          batches.push(batch);
          whenRead.push(...readBatch(batch));
          if (!canEnd && whenRead.length === SOME_PACKETS) source.stop?.();
        }
        expect(batches.flatMap(readBatch)).toEqual(whenRead);
      });
    });

    describe("statistics", () => {
      sourceTest("count yielded packets only", async () => {
        const source = await open(SOME_BATCHES);
        expect(source.stats()).toEqual({ received: 0, dropped: 0 });
        let read = 0;
        for await (const batch of source) {
          read += batch.length;
          expect(source.stats().received).toBe(read);
          if (!canEnd && read === SOME_PACKETS) source.stop?.();
        }
        expect(source.stats()).toEqual({ received: SOME_PACKETS, dropped: 0 });
      });

      sourceTest("are available after closing", async () => {
        const source = await open(SOME_BATCHES);
        await readAll(source, SOME_BATCHES);
        await source[Symbol.asyncDispose]();
        expect(source.stats().received).toBe(SOME_PACKETS);
      });
    });

    describe("one pass", () => {
      sourceTest("a second iteration is rejected", async () => {
        const source = await open(SOME_BATCHES);
        await readAll(source, SOME_BATCHES);
        expect(() => source[Symbol.asyncIterator]()).toThrow(expect.objectContaining(CONSUMED));
        if (source.reusedBatches !== undefined) await expectConsumed(source.reusedBatches());
      });

      sourceTest("a second iteration during the first one is rejected", async () => {
        const source = await open(SOME_BATCHES);
        const iterator = source[Symbol.asyncIterator]();
        await iterator.next();
        await expectConsumed(source);
        expect(source.stats().received).toBeGreaterThan(0);
      });

      sourceTest("iterating after closing is rejected", async () => {
        const source = await open(SOME_BATCHES);
        await source[Symbol.asyncDispose]();
        await expectConsumed(source);
      });

      sourceTest("stays at the end", async () => {
        const source = await open(SOME_BATCHES);
        const iterator = source[Symbol.asyncIterator]();
        await drain(iterator, source, SOME_PACKETS, canEnd);
        expect(await iterator.next()).toEqual(DONE);
        expect(await iterator.next()).toEqual(DONE);
      });

      sourceTest("overlapping calls of next resolve in order", async () => {
        const source = await open(SOME_BATCHES);
        const iterator = source[Symbol.asyncIterator]();
        const calls = Array.from({ length: SOME_PACKETS + 2 }, () => iterator.next());
        if (!canEnd) {
          // The first calls yield all packets; the others end with the source.
          let read = 0;
          for (const call of calls) {
            const { value } = await call;
            read += value?.length ?? 0;
            if (read >= SOME_PACKETS) source.stop?.();
          }
        }
        const results = await Promise.all(calls);
        const firstDone = results.findIndex(({ done }) => done === true);
        expect(results.slice(firstDone).every(({ done }) => done === true)).toBe(true);
        const packets = results.flatMap(({ value }) => (value === undefined ? [] : readBatch(value)));
        expect(comparable(packets)).toEqual(comparable(expectedOf(SOME_BATCHES)));
      });
    });

    describe("leaving", () => {
      sourceTest("ends the iteration", async () => {
        const source = await open(SOME_BATCHES);
        const iterator = source[Symbol.asyncIterator]();
        await iterator.next();
        const { received } = source.stats();
        expect(await iterator.return?.()).toEqual(DONE);
        expect(await iterator.next()).toEqual(DONE);
        expect(await iterator.return?.()).toEqual(DONE);
        expect(source.stats().received).toBe(received);
        await expectConsumed(source);
      });

      sourceTest("before the first batch ends the iteration", async () => {
        const iterator = (await open(SOME_BATCHES))[Symbol.asyncIterator]();
        expect(await iterator.return?.()).toEqual(DONE);
        expect(await iterator.next()).toEqual(DONE);
      });

      sourceTest("by breaking out of a loop ends the iteration", async () => {
        const source = await open(SOME_BATCHES);
        for await (const _ of source) break;
        await expectConsumed(source);
      });
    });

    describe("disposing", () => {
      sourceTest("twice has no effect", async () => {
        const source = await open(SOME_BATCHES);
        await Promise.all([source[Symbol.asyncDispose](), source[Symbol.asyncDispose]()]);
        await source[Symbol.asyncDispose]();
      });

      sourceTest("while reading ends the iteration", async () => {
        const source = await open(SOME_BATCHES);
        const iterator = source[Symbol.asyncIterator]();
        await iterator.next();
        await source[Symbol.asyncDispose]();
        expect(await iterator.next()).toEqual(DONE);
      });

      sourceTest("after leaving has no effect", async () => {
        const source = await open(SOME_BATCHES);
        for await (const _ of source) break;
        await source[Symbol.asyncDispose]();
      });

      if (endings.includes("wait")) {
        sourceTest("ends the wait for packets", async () => {
          const source = await open(SOME_BATCHES, { ending: "wait" });
          const { pending } = await readUntilWaiting(source);
          const disposed = source[Symbol.asyncDispose]();
          expect(await pending).toEqual(DONE);
          await disposed;
        });
      }
    });

    describe("stopping", () => {
      sourceTest("before reading yields only packets that have arrived", async () => {
        const source = await open(SOME_BATCHES);
        source.stop?.();
        const packets: ReadPacket[] = [];
        for await (const batch of source) packets.push(...readBatch(batch));
        const expected = comparable(expectedOf(SOME_BATCHES));
        expect(comparable(packets)).toEqual(expected.slice(0, packets.length));
        expect(source.stats().received).toBe(packets.length);
      });

      sourceTest("while reading ends the iteration after packets that have arrived", async () => {
        const source = await open(SOME_BATCHES);
        const packets: ReadPacket[] = [];
        for await (const batch of source) {
          packets.push(...readBatch(batch));
          source.stop?.();
        }
        expect(packets.length).toBeGreaterThan(0);
        expect(comparable(packets)).toEqual(comparable(expectedOf(SOME_BATCHES)).slice(0, packets.length));
        expect(source.stats().received).toBe(packets.length);
      });

      sourceTest("twice, after the end and after closing has no effect", async () => {
        const source = await open(SOME_BATCHES);
        await readAll(source, SOME_BATCHES);
        source.stop?.();
        source.stop?.();
        await source[Symbol.asyncDispose]();
        source.stop?.();
        expect(source.stats().received).toBe(SOME_PACKETS);
      });

      if (endings.includes("wait")) {
        sourceTest("ends the wait for packets, after all that have arrived", async () => {
          const source = await open(SOME_BATCHES, { ending: "wait" });
          const { packets, pending } = await readUntilWaiting(source);
          source.stop?.();
          expect(await pending).toEqual(DONE);
          expect(comparable(packets)).toEqual(comparable(expectedOf(SOME_BATCHES)));
        });
      }
    });

    if (reusesBatches) {
      describe("reusedBatches", () => {
        sourceTest("yields the same packets", async () => {
          const source = await open(SOME_BATCHES);
          const packets = await readAll(source, SOME_BATCHES, reused(source));
          expect(comparable(packets)).toEqual(comparable(expectedOf(SOME_BATCHES)));
          expect(source.stats().received).toBe(SOME_PACKETS);
        });

        sourceTest("the reader may overwrite every batch", async () => {
          const many = [numbered(2000), numbered(2000), numbered(7)];
          const source = await open(many);
          const packets: ReadPacket[] = [];
          for await (const batch of reused(source)) {
            packets.push(...readBatch(batch));
            batch.records.fill(0xff);
            batch.offsets.fill(0xffff_ffff);
            if (!canEnd && packets.length === 4007) source.stop?.();
          }
          expect(comparable(packets)).toEqual(comparable(expectedOf(many)));
        });

        sourceTest("shares the single pass with the iteration", async () => {
          const source = await open(SOME_BATCHES);
          const iterator = reused(source)[Symbol.asyncIterator]();
          await iterator.next();
          await expectConsumed(source);
          await iterator.return?.();
        });
      });
    } else {
      sourceTest("has no reusedBatches", async () => {
        expect((await open(SOME_BATCHES)).reusedBatches).toBeUndefined();
      });
    }

    if (endings.includes("fail")) {
      describe("an error", () => {
        sourceTest("is thrown after all packets before it, and ends the iteration", async () => {
          const source = await open(SOME_BATCHES, { ending: "fail" });
          const iterator = source[Symbol.asyncIterator]();
          const packets: ReadPacket[] = [];
          await expect(
            (async () => {
              for (;;) {
                const { done, value } = await iterator.next();
                if (done === true) return "no error";
                packets.push(...readBatch(value));
              }
            })(),
          ).rejects.toMatchObject(failure ?? {});
          expect(comparable(packets)).toEqual(comparable(expectedOf(SOME_BATCHES)));
          expect(await iterator.next()).toEqual(DONE);
          expect(source.stats().received).toBe(SOME_PACKETS);
        });

        sourceTest("is thrown once for overlapping calls", async () => {
          const source = await open(SOME_BATCHES, { ending: "fail" });
          const iterator = source[Symbol.asyncIterator]();
          const results = await Promise.allSettled(
            Array.from({ length: SOME_PACKETS + 3 }, () => iterator.next()),
          );
          const failed = results.findIndex(({ status }) => status === "rejected");
          expect(results[failed]).toMatchObject({ reason: failure ?? {} });
          expect(results.slice(failed + 1)).toEqual(
            results.slice(failed + 1).map(() => ({ status: "fulfilled", value: DONE })),
          );
        });

        sourceTest("does not prevent disposal", async () => {
          const source = await open(SOME_BATCHES, { ending: "fail" });
          await expect(readAll(source, SOME_BATCHES)).rejects.toMatchObject(failure ?? {});
          await source[Symbol.asyncDispose]();
        });
      });
    }
  });
}

const DONE = { done: true, value: undefined };
const CONSUMED = { name: "FlowscribeError", code: "source_consumed" };

/** Packets of Ethernet and IPv4 form, as live sources and raw link types require. */
const SOME_BATCHES: readonly (readonly PacketInit[])[] = [
  [packetOf(0), packetOf(1, { originalLength: 1500 })],
  [packetOf(2, { seconds: 1_700_000_003, nanoseconds: 999_999_000 })],
  [packetOf(3), packetOf(4), packetOf(5)],
];
const SOME_PACKETS = SOME_BATCHES.flat().length;

/** 60 bytes that contain the number. */
function packetOf(number: number, fields: Partial<PacketInit> = {}): PacketInit {
  const bytes = new Uint8Array(60);
  bytes.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0, 46, number >> 8, number & 255]);
  bytes.set([0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 20);
  return { bytes, seconds: 1_700_000_000 + number, nanoseconds: 1000 * number, ...fields };
}

function numbered(count: number): PacketInit[] {
  return Array.from({ length: count }, (_, number) => packetOf(number));
}

/** A packet as plain values. */
interface ReadPacket {
  readonly linkType: number;
  readonly time: string;
  readonly originalLength: number;
  readonly data: string;
}

function readBatch(batch: PacketBatch): ReadPacket[] {
  return Array.from(packetsOf(batch), ({ seconds, nanoseconds, originalLength, bytes }) => ({
    linkType: batch.format.linkType,
    time: `${seconds}+${nanoseconds}`,
    originalLength,
    data: Buffer.from(bytes).toString("hex"),
  }));
}

/** Whether the offsets and the lengths in the headers agree. */
function framingOf(batch: PacketBatch): string {
  if (isEmptyBatch(batch)) return "an empty batch";
  const { records, offsets, length } = batch;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let end = 0;
  for (let index = 0; index < length; index++) {
    const offset = offsets[index];
    if (offset !== end) return `record ${index} begins at ${offset}, not at ${end}`;
    if (offset + 16 > records.length) return `record ${index} has no header`;
    end = offset + 16 + view.getUint32(offset + 8, true);
  }
  return end === records.length ? "well framed" : `the last record ends at ${end}, not at ${records.length}`;
}

function reused(source: PacketSource): AsyncIterable<PacketBatch> {
  expect(source.reusedBatches).toBeDefined();
  // The caller has checked that it exists.
  return (source.reusedBatches as () => AsyncIterable<PacketBatch>)();
}

async function expectConsumed(batches: AsyncIterable<PacketBatch>): Promise<void> {
  await expect((async () => batches[Symbol.asyncIterator]().next())()).rejects.toMatchObject(CONSUMED);
}

async function drain(
  iterator: AsyncIterator<PacketBatch>,
  source: PacketSource,
  count: number,
  canEnd: boolean,
): Promise<void> {
  let read = 0;
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return;
    read += value.length;
    if (!canEnd && read >= count) source.stop?.();
  }
}

/** Reads all of SOME_BATCHES, and requests another batch. */
async function readUntilWaiting(
  source: PacketSource,
): Promise<{ packets: ReadPacket[]; pending: Promise<IteratorResult<PacketBatch>> }> {
  const iterator = source[Symbol.asyncIterator]();
  const packets: ReadPacket[] = [];
  while (packets.length < SOME_PACKETS) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    packets.push(...readBatch(value));
  }
  return { packets, pending: iterator.next() };
}
