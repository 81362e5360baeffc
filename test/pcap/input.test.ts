import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { openCapture } from "../../src/pcap/decode.js";
import { type BytesLike, decodeCapture, type ReadableStreamLike } from "../../src/pcap/index.js";
import { pcapFile } from "./pcap-file.js";
import { bytesOf, chunksOf, fault, packetsIn, readAll } from "./read.js";

const CAPTURE = pcapFile(
  {},
  Array.from({ length: 10 }, (_, index) => ({ seconds: index, data: new Uint8Array(100).fill(index) })),
);

describe("decodeCapture: accepts", () => {
  test.each<{ what: string; bytes: () => BytesLike }>([
    { what: "bytes", bytes: () => CAPTURE },
    {
      what: "a Buffer that is part of a larger one",
      bytes: () => Buffer.concat([bytesOf("ffffff"), CAPTURE]).subarray(3),
    },
    { what: "a list of chunks", bytes: () => [...chunksOf(CAPTURE, 100)] },
    { what: "a list with empty chunks", bytes: () => withEmptyChunks(chunksOf(CAPTURE, 100)) },
    { what: "a generator", bytes: () => chunksOf(CAPTURE, 33) },
    { what: "an async generator", bytes: () => later(chunksOf(CAPTURE, 33)) },
    { what: "a Node stream", bytes: () => Readable.from([...chunksOf(CAPTURE, 64)]) },
    { what: "a web stream", bytes: () => new Blob([CAPTURE as Uint8Array<ArrayBuffer>]).stream() },
    {
      what: "a web stream that cannot be iterated",
      bytes: () => readerOnly([...chunksOf(CAPTURE, 50)]).stream,
    },
  ])("$what", async ({ bytes }) => {
    expect((await packetsIn(bytes())).map(({ seconds }) => seconds)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test.each<{ what: string; bytes: unknown }>([
    { what: "a string", bytes: "d4c3b2a1" },
    { what: "numbers", bytes: [1, 2, 3] },
    { what: "undefined", bytes: undefined },
    { what: "an object", bytes: {} },
  ])("rejects $what with a TypeError", async ({ bytes }) => {
    await expect(decodeCapture(bytes as BytesLike)).rejects.toThrow(TypeError);
  });
});

describe("decodeCapture: the input is closed", () => {
  test("once when the source is disposed of before the end", async () => {
    const { chunks, returned } = watched(CAPTURE, 100);
    const source = await decodeCapture(chunks);
    for await (const _ of source) break;
    expect(returned()).toBe(0);
    await source[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
    expect(returned()).toBe(1);
  });

  test("when the source is disposed of without being read", async () => {
    const { chunks, returned } = watched(CAPTURE, 100);
    await (await decodeCapture(chunks))[Symbol.asyncDispose]();
    expect(returned()).toBe(1);
  });

  test("when the capture cannot be opened", async () => {
    const { chunks, returned } = watched(new Uint8Array(100), 30);
    await expect(decodeCapture(chunks)).rejects.toMatchObject({ code: "not_a_capture" });
    expect(returned()).toBe(1);
  });

  test("not again after its end", async () => {
    const { chunks, returned } = watched(CAPTURE, 100);
    const outcome = await readAll(chunks);
    expect(outcome.packets).toHaveLength(10);
    expect(returned()).toBe(0);
  });

  test("by cancelling a web stream", async () => {
    const { stream, cancelled } = readerOnly([...chunksOf(CAPTURE, 50)]);
    const source = await decodeCapture(stream);
    expect(cancelled()).toBe(0);
    await source[Symbol.asyncDispose]();
    expect(cancelled()).toBe(1);
  });
});

describe("decodeCapture: an error of the input", () => {
  const broken = new Error("the disk is on fire");

  test("before the header rejects the call, unchanged", async () => {
    await expect(decodeCapture(failing(CAPTURE.subarray(0, 10)))).rejects.toBe(broken);
  });

  test("later is thrown by the iteration, after the packets before it", async () => {
    const outcome = await readAll(failing(CAPTURE.subarray(0, 24 + 3 * 116 + 5)));
    expect(outcome.packets).toHaveLength(3);
    expect(outcome.error).toBe(broken);
  });

  async function* failing(bytes: Uint8Array) {
    yield bytes;
    throw broken;
  }
});

test("openCapture: accepts an input without close", async () => {
  const source = await openCapture({
    readInto: (buffer) => {
      buffer.set(CAPTURE.subarray(0, 24));
      return 24;
    },
  });
  await source[Symbol.asyncDispose]();
  expect(() => source[Symbol.asyncIterator]()).toThrow("closed");
});

test("decodeCapture: the iteration can end early", async () => {
  const source = await decodeCapture(chunksOf(CAPTURE, 200));
  let packets = 0;
  for await (const { length } of source) {
    packets += length;
    if (packets >= 3) break;
  }
  expect(packets).toBe(3);
  expect(source.stats().received).toBe(3);
});

test("decodeCapture: batches belong to the reader, reused ones are valid until the next pull", async () => {
  const file = pcapFile(
    {},
    Array.from({ length: 20 }, (_, index) => ({ data: new Uint8Array(100_000).fill(index) })),
  );
  const firstBytes = (batches: readonly { records: Uint8Array }[]) =>
    batches.map(({ records }) => records[16]);
  const kept = [];
  for await (const batch of await decodeCapture(file)) kept.push(batch);
  expect(kept.length).toBeGreaterThan(2);
  expect(new Set(firstBytes(kept)).size).toBe(kept.length);
  expect(new Set(kept.map(({ records }) => records.buffer)).size).toBe(kept.length);
  const reused = [];
  const source = await decodeCapture(file);
  const seen = [];
  for await (const batch of source.reusedBatches!()) {
    reused.push(batch);
    seen.push(...firstBytes([batch]));
  }
  expect(seen).toEqual(firstBytes(kept));
  expect(new Set(reused.map(({ records }) => records.buffer)).size).toBeLessThan(reused.length);
});

test("decodeCapture: does not change chunks", async () => {
  const big = pcapFile({ littleEndian: false, minor: 2 }, [
    { seconds: 1, data: bytesOf("01"), lengths: [9, 1] },
  ]);
  const before = big.slice();
  expect(fault(await readAll([big]))).toBe("no fault");
  expect(big).toEqual(before);
});

function* withEmptyChunks(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield new Uint8Array(0);
  for (const chunk of chunks) {
    yield chunk;
    yield new Uint8Array(0);
  }
}

async function* later<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise((resolve) => setImmediate(resolve));
    yield value;
  }
}

/** Chunks that count how often their iteration is ended. */
function watched(bytes: Uint8Array, size: number) {
  const inner = chunksOf(bytes, size);
  let count = 0;
  const chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => inner.next(),
      return: async () => {
        count++;
        return { done: true, value: undefined };
      },
    }),
  };
  return { chunks, returned: () => count };
}

/** A web stream of a browser that has no async iteration yet. */
function readerOnly(chunks: Uint8Array[]): { stream: ReadableStreamLike; cancelled: () => number } {
  let count = 0;
  const stream: ReadableStreamLike = {
    getReader: () => ({
      read: async () => {
        const value = chunks.shift();
        return value === undefined ? { done: true } : { done: false, value };
      },
      cancel: async () => {
        count++;
      },
    }),
  };
  return { stream, cancelled: () => count };
}
