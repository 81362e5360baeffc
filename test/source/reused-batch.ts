import { expect } from "vitest";
import type { PacketBatch, PacketSource } from "../../src/packet/index.js";

/**
 * Tries to transfer a reused batch, as `postMessage(batch, [batch.records.buffer])` does by accident, and checks that the capture
 * still has its memory. Node 20 copies memory that is marked untransferable; later versions throw.
 */
export function expectNotTransferable(batch: PacketBatch): void {
  for (const array of [batch.records, batch.offsets]) {
    const length = array.length;
    let copy: { length: number } | undefined;
    try {
      copy = structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });
    } catch (error) {
      expect(error).toMatchObject({ name: "DataCloneError" });
    }
    if (copy !== undefined) expect(copy).toHaveLength(length);
    expect(array).toHaveLength(length);
  }
}

/**
 * Detaches the memory of a reused batch in the way that a mark does not prevent on any version of Node: a byte stream transfers what is
 * put into it.
 *
 * @returns Whether it was detached.
 */
export function detach(batch: PacketBatch): boolean {
  const { records } = batch;
  new ReadableStream({
    type: "bytes",
    start: (controller) => {
      try {
        controller.enqueue(records as Uint8Array<ArrayBuffer>);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
      }
    },
  });
  return records.length === 0;
}

/** Reads a reused batch, and checks that transferring it neither loses a packet nor goes unnoticed. */
export async function expectSafeReuse(source: PacketSource, sendTen: () => void): Promise<void> {
  const iterator = source.reusedBatches!()[Symbol.asyncIterator]();
  sendTen();
  const first = await iterator.next();
  expectNotTransferable(first.value as PacketBatch);
  sendTen();
  const second = await iterator.next();
  expect(second.value?.length).toBeGreaterThan(0);
  const isDetached = detach(second.value as PacketBatch);
  sendTen();
  if (isDetached) await expect(iterator.next()).rejects.toThrow("must not be transferred");
  else expect((await iterator.next()).value?.length).toBeGreaterThan(0);
  await source[Symbol.asyncDispose]();
}
