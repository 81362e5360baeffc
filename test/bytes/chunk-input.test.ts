import { describe, expect, test } from "vitest";
import { createChunkInput } from "../../src/bytes/chunk-input.js";
import { readToEnd } from "./read-to-end.js";

const bytesOf = (...values: number[]) => Uint8Array.from(values);

async function* later(...chunks: Uint8Array[]) {
  yield* chunks;
}

describe("createChunkInput: reads", () => {
  test.each([
    { what: "a single array", chunks: bytesOf(1, 2, 3) },
    { what: "a list with empty chunks", chunks: [bytesOf(), bytesOf(1, 2), bytesOf(), bytesOf(3)] },
    { what: "an async iterable", chunks: later(bytesOf(1), bytesOf(2, 3)) },
    { what: "a web stream", chunks: new Blob([bytesOf(1, 2, 3)]).stream() },
  ])("$what", async ({ chunks }) => {
    expect(await readToEnd(createChunkInput(chunks), 2)).toEqual([1, 2, 3]);
  });

  test("strings, with a conversion", async () => {
    const utf8 = new TextEncoder();
    const input = createChunkInput("aé", (chunk) => utf8.encode(String(chunk)));
    expect(await readToEnd(input)).toEqual([0x61, 0xc3, 0xa9]);
  });
});

test("createChunkInput: returns no promise for bytes of a chunk in memory", async () => {
  const input = createChunkInput(bytesOf(1, 2, 3));
  const buffer = new Uint8Array(2);
  expect(await input.readInto(buffer)).toBe(2);
  expect(input.readInto(buffer)).toBe(1);
});

test("createChunkInput: is not read again after its end", async () => {
  let reads = 0;
  const input = createChunkInput({
    [Symbol.iterator]: () => ({ next: () => ({ done: ++reads > 0, value: undefined }) }),
  });
  expect(await readToEnd(input)).toEqual([]);
  expect(await readToEnd(input)).toEqual([]);
  expect(reads).toBe(1);
});

describe("createChunkInput: close", () => {
  function watched(next: () => Promise<IteratorResult<Uint8Array>>, onReturn: () => Promise<unknown>) {
    let returned = 0;
    const input = createChunkInput({
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          returned++;
          await onReturn();
          return { done: true, value: undefined };
        },
      }),
    });
    return { input, returned: () => returned };
  }

  test("ends the iteration once", async () => {
    const { input, returned } = watched(
      async () => ({ done: false, value: bytesOf(1, 2) }),
      async () => {},
    );
    await input.readInto(new Uint8Array(1));
    await input.close?.();
    await input.close?.();
    expect(returned()).toBe(1);
  });

  test("does not wait for an iterator with a pending read", async () => {
    const never = new Promise<never>(() => {});
    const { input, returned } = watched(
      () => never,
      () => never,
    );
    void input.readInto(new Uint8Array(1));
    await input.close?.();
    expect(returned()).toBe(1);
  });

  test("waits for an iterator without a pending read, and reports its error", async () => {
    const { input } = watched(
      async () => ({ done: false, value: bytesOf(1) }),
      async () => {
        throw new Error("cannot be closed");
      },
    );
    await input.readInto(new Uint8Array(1));
    await expect(input.close?.()).rejects.toThrow("cannot be closed");
  });
});
