import { describe, expect, test } from "vitest";
import {
  type CaptureInterface,
  fromBatches,
  type PacketBatch,
  type PacketSource,
  reusedBatchesOf,
} from "../../src/packet/index.js";
import { readBatches } from "../../src/packet/source/batch-reader.js";
import { createSource } from "../../src/packet/source/create-source.js";
import { numberedBatch } from "./arbitrary-batch.js";

// What all sources have in common is in ../contract/source.ts.

const batch = numberedBatch([4, 4]);

async function collect(batches: AsyncIterable<PacketBatch>): Promise<PacketBatch[]> {
  const all: PacketBatch[] = [];
  for await (const one of batches) all.push(one);
  return all;
}

/** A source over batches that can always be had, with what else is given. */
function sourceOf(parts: Partial<Parameters<typeof createSource>[0]>): PacketSource {
  return createSource({ interfaces: [], pull: () => batch, dropped: () => 0, ...parts });
}

describe("fromBatches", () => {
  test("creates one interface from a format", () => {
    const format = { linkType: 113, resolution: "ns", snapLength: 77, interfaceId: 0 } as const;
    expect(fromBatches([], format).interfaces).toEqual([{ linkType: 113, resolution: "ns", snapLength: 77 }]);
  });

  test("uses a list of interfaces unchanged", () => {
    const interfaces: CaptureInterface[] = [{ linkType: 1, resolution: "us", snapLength: 0, name: "eth0" }];
    expect(fromBatches([batch], interfaces).interfaces).toBe(interfaces);
  });

  test("yields the batches themselves, unfiltered", async () => {
    const source = fromBatches(new Set([batch]), batch.format);
    expect(source.filtered).toBe(false);
    const [only] = await collect(source);
    expect(only).toBe(batch);
  });

  test.each(["leaving", "stopping", "disposing"])("%s calls return of a generator once", async (how) => {
    let finished = 0;
    function* batches() {
      try {
        for (;;) yield batch;
      } finally {
        finished++;
      }
    }
    const source = fromBatches(batches(), batch.format);
    const iterator = source[Symbol.asyncIterator]();
    await iterator.next();
    if (how === "leaving") await iterator.return?.();
    if (how === "stopping") source.stop?.();
    if (how === "disposing") await source[Symbol.asyncDispose]();
    expect(finished).toBe(1);
    await iterator.return?.();
    source.stop?.();
    await source[Symbol.asyncDispose]();
    expect(finished).toBe(1);
  });
});

describe("reusedBatchesOf", () => {
  test("uses reused batches if a source has them, and iterates it otherwise", async () => {
    const reusing = sourceOf({ copy: () => numberedBatch([]) });
    expect(reusedBatchesOf(reusing).writable).toBe(true);
    const first = await reusedBatchesOf(reusing).batches[Symbol.asyncIterator]().next();
    expect(first.value).toBe(batch);
    const keeping = sourceOf({});
    expect(reusedBatchesOf(keeping)).toEqual({ batches: keeping, writable: false });
  });
});

describe("createSource", () => {
  test("copies reused batches in an iteration", async () => {
    const copied = numberedBatch([1]);
    for (const pull of [() => batch, async () => batch]) {
      const iterator = sourceOf({ pull, copy: () => copied })[Symbol.asyncIterator]();
      expect((await iterator.next()).value).toBe(copied);
    }
  });

  test("does not copy the end", async () => {
    const copy = () => {
      throw new Error("nothing to copy");
    };
    for (const pull of [() => undefined, async () => undefined]) {
      expect(await collect(sourceOf({ pull, copy }))).toEqual([]);
    }
  });

  test.each([
    { name: "thrown at once", pull: () => throwing() },
    { name: "thrown later", pull: async () => throwing() },
  ])("does not call pull again after an error $name", async ({ pull }) => {
    let calls = 0;
    const source = sourceOf({
      pull: () => {
        calls++;
        return pull();
      },
    });
    const iterator = source[Symbol.asyncIterator]();
    const results = await Promise.allSettled([iterator.next(), iterator.next(), iterator.next()]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(calls).toBe(1);
  });

  test("stop: yields the packets that have arrived", async () => {
    let arrived = 2;
    let stops = 0;
    const source = sourceOf({
      pull: () => (arrived-- > 0 ? batch : undefined),
      stop: () => {
        stops++;
      },
    });
    source.stop?.();
    source.stop?.();
    expect(await collect(source)).toHaveLength(2);
    expect(stops).toBe(1);
  });

  test("stop: has no effect after the end or after closing", async () => {
    let stops = 0;
    const stop = () => {
      stops++;
    };
    const ended = sourceOf({ pull: () => undefined, stop });
    await collect(ended);
    ended.stop?.();
    const closed = sourceOf({ stop });
    await closed[Symbol.asyncDispose]();
    closed.stop?.();
    expect(stops).toBe(0);
  });

  test("does not count an abandoned batch, and ignores its failure", async () => {
    let answer: (batch: PacketBatch) => void = () => {};
    const late = sourceOf({
      pull: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const pending = late[Symbol.asyncIterator]().next();
    late.stop?.();
    answer(batch);
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(late.stats().received).toBe(0);

    let fail: (error: Error) => void = () => {};
    const failing = sourceOf({
      pull: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
      leave: async () => throwing(),
    });
    const ended = failing[Symbol.asyncIterator]().next();
    failing.stop?.();
    fail(new Error("too late"));
    expect(await ended).toEqual({ done: true, value: undefined });
  });

  test("closes once, also if leaving fails, and reports the failure", async () => {
    let closed = 0;
    const source = sourceOf({
      leave: throwing,
      close: () => {
        closed++;
      },
    });
    await source[Symbol.asyncIterator]().next();
    await expect(source[Symbol.asyncDispose]()).rejects.toThrow("for the test");
    await expect(source[Symbol.asyncDispose]()).rejects.toThrow("for the test");
    expect(closed).toBe(1);
  });

  test("reports a failure of leaving to the reader", async () => {
    const iterator = sourceOf({ leave: throwing })[Symbol.asyncIterator]();
    await iterator.next();
    await expect(iterator.return?.()).rejects.toThrow("for the test");
  });

  test("ignores a failure of leaving if the source is stopped", async () => {
    const source = sourceOf({ leave: throwing });
    const iterator = source[Symbol.asyncIterator]();
    await iterator.next();
    source.stop?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

function throwing(): never {
  throw new Error("for the test");
}

describe("fromBatches: leaving while a batch is pending", () => {
  /** A generator that waits until it is stopped. */
  function waitingSource() {
    let stops = 0;
    let finished = false;
    let end = () => {};
    const stopped = new Promise<void>((resolve) => {
      end = resolve;
    });
    async function* batches() {
      try {
        yield batch;
        await stopped;
      } finally {
        finished = true;
      }
    }
    const source = fromBatches(batches(), batch.format, {
      stop: () => {
        stops++;
        end();
      },
    });
    return { source, state: () => ({ stops, finished }) };
  }

  test.each(["disposing", "leaving"])("%s stops the generator, once, and settles", async (how) => {
    const { source, state } = waitingSource();
    const iterator = source[Symbol.asyncIterator]();
    await iterator.next();
    const pending = iterator.next();
    if (how === "disposing") await source[Symbol.asyncDispose]();
    else await iterator.return?.();
    await pending;
    await source[Symbol.asyncDispose]();
    expect(state()).toEqual({ stops: 1, finished: true });
  });

  test("settles even if the generator never does", async () => {
    const source = fromBatches(
      (async function* () {
        yield batch;
        await new Promise(() => {});
      })(),
      batch.format,
      { stop: () => {} },
    );
    const iterator = source[Symbol.asyncIterator]();
    await iterator.next();
    iterator.next();
    await source[Symbol.asyncDispose]();
  });
});

describe("readBatches", () => {
  test("returns an available batch without a promise, and the end likewise", () => {
    const batches = [batch, undefined];
    const reader = readBatches(sourceOf({ pull: () => batches.shift() }));
    expect(reader.next()).toBe(batch);
    expect(reader.next()).toBe(undefined);
    expect(reader.next()).toBe(undefined);
  });

  test("returns a promise while the source waits", async () => {
    const source = sourceOf({ pull: async () => batch });
    const reader = readBatches(source);
    const waiting = reader.next();
    expect(waiting).toBeInstanceOf(Promise);
    expect(await waiting).toBe(batch);
    expect(source.stats().received).toBe(batch.length);
  });

  test("throws the error of the source once, then has ended", () => {
    const failure = new Error("device gone");
    const reader = readBatches(
      sourceOf({
        pull: () => {
          throw failure;
        },
      }),
    );
    expect(() => reader.next()).toThrow(failure);
    expect(reader.next()).toBe(undefined);
  });

  test("leave ends the iteration, once", async () => {
    let left = 0;
    const reader = readBatches(
      sourceOf({
        leave: () => {
          left++;
        },
      }),
    );
    reader.next();
    await reader.leave();
    await reader.leave();
    expect(left).toBe(1);
    expect(reader.next()).toBe(undefined);
  });

  test("reuses batches only of sources that support it", () => {
    expect(readBatches(sourceOf({ copy: (own) => own })).writable).toBe(true);
    expect(readBatches(sourceOf({})).writable).toBe(false);
  });

  test("reads a source that was not made by createSource", async () => {
    async function* batches() {
      yield batch;
    }
    const source: PacketSource = { ...sourceOf({}), [Symbol.asyncIterator]: batches };
    const reader = readBatches(source);
    expect(await reader.next()).toBe(batch);
    expect(await reader.next()).toBe(undefined);
  });
});

test.each([undefined, null, 5, {}])(
  "fromBatches: names the index of %s, which is not a batch",
  async (value) => {
    // The cast is of what callers without types pass.
    const source = fromBatches([batch, value as PacketBatch, batch], batch.format);
    const iterator = source[Symbol.asyncIterator]();
    await iterator.next();
    await expect(iterator.next()).rejects.toThrow(/^fromBatches: batches\[1\] must be a /);
  },
);

test("fromBatches: rejects a time offset that is not exact", () => {
  const own = { linkType: 1, resolution: "us", snapLength: 0 } as const;
  expect(() => fromBatches([], [{ ...own, timeOffsetSeconds: 2 ** 63 }])).toThrow(
    /^fromBatches: format\[0\]\.timeOffsetSeconds must be an integer/,
  );
});

describe("readBatches: reports a source of the caller that breaks its contract", () => {
  const foreign = (parts: object): PacketSource =>
    ({ interfaces: [], stats: () => ({}), [Symbol.asyncDispose]: async () => {}, ...parts }) as never;

  test.each([
    { result: 5, message: "source: batch must be a packet batch, not undefined" },
    { result: { value: undefined }, message: "source: batch must be a packet batch, not undefined" },
    { result: { value: 5 }, message: "source: batch must be a packet batch, not 5" },
    { result: { value: [batch] }, message: "source: batch must be a packet batch, not a list" },
  ])("next returns $result", async ({ result, message }) => {
    const source = foreign({ [Symbol.asyncIterator]: () => ({ next: async () => result }) });
    await expect(async () => readBatches(source).next()).rejects.toThrow(new TypeError(message));
  });

  test.each([7, null, {}])("reusedBatches returns %j", (batches) => {
    const source = foreign({ [Symbol.asyncIterator]: () => ({}), reusedBatches: () => batches });
    expect(() => readBatches(source)).toThrow(
      new TypeError("source.reusedBatches() must return an async iterable of batches"),
    );
  });
});
