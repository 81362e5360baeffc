import { expect, test } from "vitest";
import { deriveSource } from "../../src/packet/derive-source.js";
import {
  type CaptureInterface,
  createBatch,
  fromBatches,
  type PacketBatch,
  type PacketSource,
  truncateBatch,
} from "../../src/packet/index.js";
import { createSource } from "../../src/packet/source/create-source.js";

const FORMAT = { linkType: 1, resolution: "ns", snapLength: 0, interfaceId: 0 } as const;

function batchOf(length: number): PacketBatch {
  return createBatch(
    FORMAT,
    Array.from({ length }, () => ({ bytes: Uint8Array.of(1, 2, 3) })),
  );
}

async function lengthsOf(source: PacketSource): Promise<number[]> {
  const lengths: number[] = [];
  for await (const batch of source) lengths.push(batch.length);
  return lengths;
}

/** A source that reuses batches, and the calls to it. */
function reusingSource(batches: PacketBatch[], interfaces: CaptureInterface[] = [FORMAT]) {
  const calls: string[] = [];
  const source = createSource({
    interfaces,
    pull: () => batches.shift(),
    copy: (batch) => batch,
    dropped: () => 7,
    stop: () => calls.push("stop"),
    leave: () => {
      calls.push("leave");
    },
    close: () => {
      calls.push("close");
    },
  });
  return { source, calls };
}

test("deriveSource: yields the result of the stage for each batch, except empty ones", async () => {
  const source = fromBatches([batchOf(3), batchOf(1), batchOf(5)], FORMAT);
  const derived = deriveSource(source, { stage: (batch) => truncateBatch(batch, batch.length - 1) });
  expect(await lengthsOf(derived)).toEqual([2, 4]);
  expect(derived.stats()).toEqual({ received: 6, dropped: 0 });
});

test.each([
  { name: "reused", make: () => reusingSource([batchOf(1)]).source, writable: true },
  { name: "somebody's own", make: () => fromBatches([batchOf(1)], FORMAT), writable: false },
])(
  "deriveSource: batches that are $name: writable $writable, reused if they were",
  async ({ make, writable }) => {
    const seen: boolean[] = [];
    const stage = (batch: PacketBatch, isWritable: boolean) => {
      seen.push(isWritable);
      return batch;
    };
    const derived = deriveSource(make(), { stage });
    expect(derived.reusedBatches !== undefined).toBe(writable);
    await lengthsOf(derived);
    expect(seen).toEqual([writable]);
  },
);

test("deriveSource: describes interfaces when they are added, and again at the end", async () => {
  const interfaces: CaptureInterface[] = [FORMAT];
  const { source } = reusingSource([batchOf(1), batchOf(1)], interfaces);
  const describe = (own: CaptureInterface): CaptureInterface => ({
    ...own,
    name: `${own.name ?? "no"} name`,
  });
  const derived = deriveSource(source, { stage: (batch) => batch, describe });
  expect(derived.interfaces.map(({ name }) => name)).toEqual(["no name"]);
  const iterator = derived[Symbol.asyncIterator]();
  interfaces.push({ ...FORMAT, name: "second" });
  await iterator.next();
  expect(derived.interfaces.map(({ name }) => name)).toEqual(["no name", "second name"]);
  interfaces[0] = { ...FORMAT, counts: { received: 2 } };
  while ((await iterator.next()).done !== true);
  expect(derived.interfaces[0]?.counts).toEqual({ received: 2 });
});

test("deriveSource: forwards stop, leaving and closing, and is filtered as configured", async () => {
  const { source, calls } = reusingSource([batchOf(1), batchOf(1)]);
  const derived = deriveSource(source, { stage: (batch) => batch, filtered: true });
  expect([source.filtered, derived.filtered]).toEqual([false, true]);
  expect(derived.stats().dropped).toBe(7);
  const iterator = derived[Symbol.asyncIterator]();
  await iterator.next();
  derived.stop?.();
  await derived[Symbol.asyncDispose]();
  expect(calls).toEqual(["stop", "leave", "close"]);
});
