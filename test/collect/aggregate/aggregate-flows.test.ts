import { describe, expect, test } from "vitest";
import { aggregateFlows } from "../../../src/collect/index.js";
import { flowResponse } from "../../../src/observer/index.js";
import type { GetFlowsResponse } from "../../../src/proto.js";
import { type FakeClock, fakeClock, flow } from "../../../src/testing/index.js";

const FIELDS = ["source.pod_name"];

function event(pod: string): GetFlowsResponse {
  return flowResponse(flow({ from: `shop/${pod}` }));
}

/** The pod of an event and how many flows it stands for. */
function summary({ responseTypes }: GetFlowsResponse): string {
  if (responseTypes.case !== "flow") return String(responseTypes.case);
  const { source, aggregate } = responseTypes.value;
  const { ingressFlowCount = 0, egressFlowCount = 0, unknownDirectionFlowCount = 0 } = aggregate ?? {};
  return `${source?.podName} ${ingressFlowCount + egressFlowCount + unknownDirectionFlowCount}`;
}

async function collect(stage: AsyncIterable<GetFlowsResponse>): Promise<GetFlowsResponse[]> {
  const events: GetFlowsResponse[] = [];
  for await (const result of stage) events.push(result);
  return events;
}

/** An input that the test feeds; it counts its reads. */
function createFeed() {
  const queue: (IteratorResult<GetFlowsResponse> | Error)[] = [];
  let answer: (() => void) | undefined;
  const feed = {
    reads: 0,
    returned: 0,
    isReading: false,
    push(...items: (IteratorResult<GetFlowsResponse> | Error)[]) {
      queue.push(...items);
      answer?.();
    },
    [Symbol.asyncIterator]: () => ({
      async next(): Promise<IteratorResult<GetFlowsResponse>> {
        feed.reads++;
        feed.isReading = true;
        while (queue.length === 0) {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        }
        feed.isReading = false;
        const item = queue.shift()!;
        if (item instanceof Error) throw item;
        return item;
      },
      async return(): Promise<IteratorResult<GetFlowsResponse>> {
        feed.returned++;
        return { done: true, value: undefined };
      },
    }),
  };
  return feed;
}

const END = { done: true, value: undefined } as const;
const one = (pod: string) => ({ done: false, value: event(pod) }) as const;

/** Waits until all promises that can settle have settled. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

function start(clock: FakeClock, feed: ReturnType<typeof createFeed>) {
  return aggregateFlows(feed, { fields: FIELDS, intervalMs: 1000, clock });
}

describe("aggregateFlows", () => {
  test("yields the groups at the end of the events, in the order in which they began", async () => {
    const events = ["b", "a", "b", "c", "a"].map(event);
    const yielded = await collect(aggregateFlows(events, { fields: FIELDS }));
    expect(yielded.map(summary)).toEqual(["b 2", "a 2", "c 1"]);
  });

  test("yields other events at once, in place", async () => {
    const lost = { ...event("a"), responseTypes: { case: "lostEvents", value: {} } } as GetFlowsResponse;
    const yielded = await collect(aggregateFlows([event("a"), lost, event("a")], { fields: FIELDS }));
    expect(yielded.map(summary)).toEqual(["lostEvents", "a 2"]);
    expect(yielded[0]).toBe(lost);
  });

  test("yields the groups after each interval, also while the input is silent", async () => {
    const clock = fakeClock();
    const feed = createFeed();
    const yielded: string[] = [];
    const done = (async () => {
      for await (const result of start(clock, feed)) yielded.push(summary(result));
    })();
    feed.push(one("a"), one("a"), one("b"));
    await settle();
    clock.advance(999);
    await settle();
    expect(yielded).toEqual([]);
    clock.advance(1);
    await settle();
    expect(yielded).toEqual(["a 2", "b 1"]);
    clock.advance(1000);
    feed.push(one("a"));
    await settle();
    clock.advance(500);
    feed.push(END);
    await done;
    expect(yielded).toEqual(["a 2", "b 1", "a 1"]);
    expect(clock.pending).toBe(0);
    expect(feed.returned).toBe(0);
  });

  test("reads no event before the consumer wants one", async () => {
    const clock = fakeClock();
    const feed = createFeed();
    const stage = start(clock, feed);
    await settle();
    expect([feed.reads, clock.pending]).toEqual([0, 0]);
    feed.push(one("a"), one("b"));
    const first = stage.next();
    await settle();
    expect(feed.reads).toBe(3);
    clock.advance(1000);
    expect(summary((await first).value!)).toBe("a 1");
    feed.push(one("c"), one("d"), one("e"));
    await settle();
    expect(feed.reads).toBe(3);
    expect(summary((await stage.next()).value!)).toBe("b 1");
    await stage.return();
    expect(clock.pending).toBe(0);
  });

  test("yields the groups before the error of the input", async () => {
    const clock = fakeClock();
    const feed = createFeed();
    feed.push(one("a"), one("a"), new Error("lost"));
    const stage = start(clock, feed);
    expect(summary((await stage.next()).value!)).toBe("a 2");
    await expect(stage.next()).rejects.toThrow("lost");
    expect([clock.pending, feed.returned]).toEqual([0, 0]);
  });

  test("yields the groups before the error of an invalid event, and ends the input", async () => {
    const clock = fakeClock();
    const feed = createFeed();
    feed.push(one("a"), { done: false, value: null as never });
    const stage = start(clock, feed);
    expect(summary((await stage.next()).value!)).toBe("a 1");
    await expect(stage.next()).rejects.toThrow(TypeError);
    expect([clock.pending, feed.returned]).toEqual([0, 1]);
  });

  test("ends the timer and the input when the consumer leaves, also during a read", async () => {
    const clock = fakeClock();
    const feed = createFeed();
    const stage = start(clock, feed);
    feed.push(one("a"));
    const first = stage.next();
    await settle();
    clock.advance(1000);
    await first;
    expect(feed.isReading).toBe(true);
    await stage.return();
    expect([clock.pending, feed.returned]).toEqual([0, 1]);
  });

  test("rejects invalid arguments", () => {
    expect(() => aggregateFlows(5 as never, { fields: FIELDS })).toThrow("aggregateFlows: events must be");
    expect(() => aggregateFlows([], { fields: FIELDS, intervalMs: 0 })).toThrow(
      "intervalMs: must be a number above 0, not 0",
    );
  });
});
