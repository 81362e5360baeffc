import { describe, expect, test } from "vitest";
import type { EncodedEvent, EventSource, JsonValue } from "../../../src/observer/index.js";

/** What comes after the last event. */
export type Ending = "end" | "fail" | "wait";

/** The events that sources under test yield. */
export interface Delivery {
  /** UUIDs of flows, in groups; a source may regroup them. */
  readonly groups: readonly (readonly string[])[];
  readonly ending: Ending;
}

/** Opens sources over the same events, one after another, as a program does that is restarted. */
export interface SourceOpener {
  open(): EventSource;
  /** Closes what the sources read from. */
  close?(): Promise<void>;
}

/** How to open a source under test, and which parts of the contract apply. */
export interface EventSourceContract {
  /** Prepares exactly these events. */
  prepare(delivery: Delivery): Promise<SourceOpener>;
  readonly endings: readonly Ending[];
  /** Properties of the error after the last event if the ending is "fail". */
  readonly failure?: object;
  /** Whether it has a position. */
  readonly resumes: boolean;
  /** What is still open after a source has ended; "" if all is closed. */
  held?(): string;
}

const GROUPS = [["1", "2", "3"], ["4"], ["5", "6"], ["7", "8", "9", "10"]];
const ALL = GROUPS.flat();

function uuidsOf(batch: readonly EncodedEvent[]): string[] {
  return batch.map(({ uuid }) => uuid);
}

/** The rules for every {@link EventSource}. */
export function eventSourceContract(name: string, contract: EventSourceContract): void {
  const { endings, failure, resumes } = contract;
  const ending = endings[0]!;

  async function withSources<T>(delivery: Delivery, work: (opener: SourceOpener) => Promise<T>): Promise<T> {
    const opener = await contract.prepare(delivery);
    try {
      return await work(opener);
    } finally {
      await opener.close?.();
    }
  }

  /** Reads up to a number of events, acknowledging each batch, and ends as if the process had. */
  async function readSome(
    source: EventSource,
    { position, count, acknowledge = true }: { position?: JsonValue; count: number; acknowledge?: boolean },
  ): Promise<string[]> {
    const controller = new AbortController();
    const read: string[] = [];
    if (count === 0) return read;
    for await (const batch of source.read({ position, signal: controller.signal })) {
      read.push(...uuidsOf(batch));
      if (acknowledge) await source.acknowledge?.(batch);
      if (read.length >= count) break;
    }
    return read;
  }

  describe(`${name}: the contract of event sources`, () => {
    test("yields every event in order, with bytes that have its UUID", async () => {
      await withSources({ groups: GROUPS, ending }, async (opener) => {
        expect(await readSome(opener.open(), { count: ALL.length })).toEqual(ALL);
        expect(contract.held?.() ?? "").toBe("");
      });
    });

    test("can be read only once", async () => {
      await withSources({ groups: GROUPS, ending }, async (opener) => {
        const source = opener.open();
        await readSome(source, { count: 1 });
        await expect(readSome(source, { count: 1 })).rejects.toMatchObject({ code: "source_consumed" });
      });
    });

    test.runIf(endings.includes("end"))("ends after the last event", async () => {
      await withSources({ groups: GROUPS, ending: "end" }, async (opener) => {
        expect(await readSome(opener.open(), { count: Number.POSITIVE_INFINITY })).toEqual(ALL);
      });
    });

    test.runIf(endings.includes("end"))("ends without events if there are none", async () => {
      await withSources({ groups: [], ending: "end" }, async (opener) => {
        expect(await readSome(opener.open(), { count: Number.POSITIVE_INFINITY })).toEqual([]);
      });
    });

    test.runIf(endings.includes("fail"))("fails after everything before the failure", async () => {
      await withSources({ groups: GROUPS, ending: "fail" }, async (opener) => {
        const source = opener.open();
        const read: string[] = [];
        const reading = (async () => {
          const { signal } = new AbortController();
          for await (const batch of source.read({ position: undefined, signal }))
            read.push(...uuidsOf(batch));
        })();
        await expect(reading).rejects.toMatchObject(failure ?? {});
        expect(read).toEqual(ALL);
        expect(contract.held?.() ?? "").toBe("");
      });
    });

    test.runIf(endings.includes("wait"))(
      "a signal ends the wait for more events with its reason",
      async () => {
        await withSources({ groups: GROUPS, ending: "wait" }, async (opener) => {
          const controller = new AbortController();
          const reason = new Error("enough");
          const reading = (async () => {
            const { signal } = controller;
            let count = 0;
            for await (const batch of opener.open().read({ position: undefined, signal })) {
              count += batch.length;
              // The next read finds nothing, and waits.
              if (count === ALL.length) setImmediate(() => setImmediate(() => controller.abort(reason)));
            }
          })();
          await expect(reading).rejects.toBe(reason);
          expect(contract.held?.() ?? "").toBe("");
        });
      },
    );

    test("rejects with the reason of a signal that is already aborted", async () => {
      await withSources({ groups: GROUPS, ending }, async (opener) => {
        const reason = new Error("too late");
        const signal = AbortSignal.abort(reason);
        const first = opener.open().read({ position: undefined, signal })[Symbol.asyncIterator]().next();
        await expect(first).rejects.toBe(reason);
      });
    });

    describe.runIf(resumes)("positions", () => {
      test("resumes from every position with exactly the rest", async () => {
        for (let count = 1; count <= ALL.length; count++) {
          await withSources({ groups: GROUPS, ending }, async (opener) => {
            const first = opener.open();
            const before = await readSome(first, { count });
            // As a checkpoint does.
            const position = JSON.parse(JSON.stringify(first.position!())) as JsonValue;
            const rest = ALL.length - before.length;
            const second = opener.open();
            const after = await readSome(second, { position, count: rest });
            expect([...before, ...after]).toEqual(ALL);
            expect(second.position!()).toBeDefined();
          });
        }
      });

      test("a batch that is not acknowledged is read again", async () => {
        await withSources({ groups: GROUPS, ending }, async (opener) => {
          const first = opener.open();
          await readSome(first, { count: 5, acknowledge: false });
          const position = first.position!();
          expect(await readSome(opener.open(), { position, count: ALL.length })).toEqual(ALL);
        });
      });

      test("the position is that of the last acknowledged batch while others are on their way", async () => {
        await withSources({ groups: GROUPS, ending }, async (opener) => {
          const source = opener.open();
          const batches: (readonly EncodedEvent[])[] = [];
          let count = 0;
          const { signal } = new AbortController();
          for await (const batch of source.read({ position: undefined, signal })) {
            batches.push(batch);
            count += batch.length;
            if (count === ALL.length) break;
          }
          const acknowledged: string[] = [];
          for (const batch of batches) {
            await source.acknowledge!(batch);
            acknowledged.push(...uuidsOf(batch));
            const rest = await readSome(opener.open(), {
              position: source.position!(),
              count: ALL.length - acknowledged.length,
            });
            expect([...acknowledged, ...rest]).toEqual(ALL);
          }
        });
      });
    });
  });
}
