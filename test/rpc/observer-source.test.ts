import { create } from "@bufbuild/protobuf";
import { createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Flow } from "../../src/gen/flow/flow_pb.js";
import {
  type GetFlowsRequest,
  GetFlowsResponseSchema,
  Observer,
} from "../../src/gen/observer/observer_pb.js";
import { toNanoseconds } from "../../src/message/timestamp.js";
import type { EncodedEvent, EventSource, JsonValue } from "../../src/observer/index.js";
import { observerSource } from "../../src/rpc/index.js";
import { type FakeObserver, fakeClock, fakeObserver, flow } from "../../src/testing/index.js";

/** A Relay: the responses have the nodes of their flows. */
function relay(flows: readonly Flow[]) {
  const all = [...flows];
  const requests: GetFlowsRequest[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(Observer, {
      getFlows: async function* (request) {
        requests.push(request);
        const since = request.since === undefined ? 0n : toNanoseconds(request.since);
        for (const value of all) {
          const { time, nodeName } = value;
          if (time === undefined || toNanoseconds(time) < since) continue;
          yield create(GetFlowsResponseSchema, {
            ...{ nodeName, time },
            responseTypes: { case: "flow", value },
          });
        }
      },
    });
  });
  return { transport, requests, push: (...more: readonly Flow[]) => void all.push(...more) };
}

const START = { seconds: 0n, nanos: 0 };

/** A flow at a time in seconds. */
function at(seconds: number, uuid: string, nodeName = "one") {
  return flow({ uuid, nodeName, time: new Date(seconds * 1000) });
}

/** Reads so many events, and acknowledges them. */
async function read(
  source: EventSource,
  count: number,
  position?: JsonValue,
  onBatch: (batch: readonly EncodedEvent[]) => void = () => {},
): Promise<string[]> {
  const uuids: string[] = [];
  const { signal } = new AbortController();
  for await (const batch of source.read({ position, signal })) {
    uuids.push(...batch.map(({ uuid }) => uuid));
    source.acknowledge!(batch);
    onBatch(batch);
    if (uuids.length >= count) break;
  }
  return uuids;
}

/** The position as it comes back from a checkpoint. */
function saved(source: EventSource): JsonValue {
  return JSON.parse(JSON.stringify(source.position!())) as JsonValue;
}

function open(
  { transport }: Pick<FakeObserver, "transport">,
  request: object = { since: START },
  options: object = {},
) {
  return observerSource(transport, request, { clock: fakeClock(), ...options });
}

describe("observerSource: restart", () => {
  test("requests what came since, and leaves out what was acknowledged", async () => {
    const observer = fakeObserver({ flows: [at(10, "1"), at(11, "2"), at(12, "3")] });
    const first = open(observer);
    expect(await read(first, 3)).toEqual(["1", "2", "3"]);
    observer.push(at(12, "4"), at(13, "5"));
    const second = open(observer);
    expect(await read(second, Number.POSITIVE_INFINITY, saved(first))).toEqual(["4", "5"]);
    expect(second.stats).toMatchObject({ received: 5, repeated: 3, reconnects: 0 });
    expect(observer.requests.at(-1)?.since).toMatchObject({ seconds: 10n });
  });

  test("number and first no longer apply", async () => {
    const observer = fakeObserver({ flows: [at(10, "1"), at(20, "2"), at(30, "3"), at(40, "4")] });
    const first = open(observer, { number: 1n, first: true });
    expect(await read(first, 1)).toEqual(["1"]);
    const second = open(observer, { number: 1n, first: true });
    expect(await read(second, Number.POSITIVE_INFINITY, saved(first))).toEqual(["2", "3", "4"]);
    expect(observer.requests.at(-1)).toMatchObject({ number: 0n, first: false });
  });

  test("a position does not reach behind the start of the request", async () => {
    const observer = fakeObserver({ flows: [at(10, "1"), at(11, "2")] });
    const first = open(observer);
    await read(first, 2);
    observer.push(at(30, "3"));
    const second = open(observer, { since: { seconds: 25n, nanos: 0 } });
    expect(await read(second, Number.POSITIVE_INFINITY, saved(first))).toEqual(["3"]);
    expect(observer.requests.at(-1)?.since).toMatchObject({ seconds: 25n });
  });

  test("flows of a node that is behind another are not left out", async () => {
    const observer = relay([at(100, "a1", "a"), at(10, "b1", "b")]);
    const first = open(observer);
    await read(first, 2);
    // The node b is 90 seconds behind.
    observer.push(at(11, "b2", "b"), at(99, "a2", "a"), at(50, "b3", "b"));
    const second = open(observer);
    expect(await read(second, Number.POSITIVE_INFINITY, saved(first))).toEqual(["b2", "a2", "b3"]);
  });

  test("flows of a new node are read, whatever their time is", async () => {
    const observer = relay([at(100, "a1", "a")]);
    const first = open(observer);
    await read(first, 1);
    observer.push(at(99, "b1", "b"));
    expect(await read(open(observer), Number.POSITIVE_INFINITY, saved(first))).toEqual(["b1"]);
  });

  test("a node without flows for longer than maxNodeAgeMs is forgotten", async () => {
    const observer = relay([at(1000, "b1", "b"), at(1100, "a1", "a")]);
    const first = open(observer, { since: START }, { maxNodeAgeMs: 60_000 });
    await read(first, 2);
    expect(Object.keys((saved(first) as { nodes: object }).nodes)).toEqual(["a"]);
    // Requested from the time of a, so that the flow of b does not come again.
    expect(await read(open(observer), Number.POSITIVE_INFINITY, saved(first))).toEqual([]);
  });

  test("flows without a UUID are repeated rather than lost in the last two seconds", async () => {
    const observer = fakeObserver();
    const anonymous = (seconds: number, uuid = "") => {
      const event = at(seconds, "x");
      observer.push(event);
      // The fake gives flows without a UUID one.
      event.uuid = uuid;
    };
    anonymous(10);
    anonymous(14);
    const first = open(observer);
    expect(await read(first, 2)).toEqual(["", ""]);
    anonymous(15);
    const second = open(observer);
    expect(await read(second, Number.POSITIVE_INFINITY, saved(first))).toEqual(["", ""]);
  });

  test("lost events are read again, and do not move the position", async () => {
    const observer = fakeObserver({ flows: [at(10, "1")] });
    observer.lose(3);
    const kinds: string[] = [];
    const first = open(observer);
    await read(first, 2, undefined, (batch) => kinds.push(...batch.map(({ kind }) => kind)));
    expect(kinds).toEqual(["flow", "lost_events"]);
    expect(await read(open(observer), Number.POSITIVE_INFINITY, saved(first))).toEqual([""]);
  });

  test("a position before the first acknowledgement begins anew", async () => {
    const observer = fakeObserver({ flows: [at(10, "1")] });
    expect(await read(open(observer), 1, saved(open(observer)))).toEqual(["1"]);
  });
});

describe("observerSource: positions", () => {
  test.each<[JsonValue]>([
    [null],
    [7],
    ["x"],
    [[]],
    [{}],
    [{ nodes: [] }],
    [{ nodes: { a: null } }],
    [{ nodes: { a: { time: 1, uuids: [] } } }],
    [{ nodes: { a: { time: "x", uuids: [] } } }],
    [{ nodes: { a: { time: "1", uuids: {} } } }],
    [{ nodes: { a: { time: "1", uuids: ["x"] } } }],
    [{ nodes: { a: { time: "1", uuids: [["x", 1]] } } }],
    [{ nodes: { a: { time: "1", uuids: [["x", "1.5"]] } } }],
  ])("rejects the position %j of another source", async (position) => {
    const observer = fakeObserver({ flows: [at(10, "1")] });
    await expect(read(open(observer), 1, position)).rejects.toMatchObject({
      code: "open_failed",
      message: expect.stringContaining("resume reading flows"),
    });
    expect(observer.requests).toEqual([]);
  });

  test("names of nodes that are properties of every object are nodes like any other", async () => {
    const names = ["__proto__", "constructor", "toString"];
    const observer = relay(names.map((name, index) => at(10 + index, name, name)));
    const first = open(observer);
    await read(first, 3);
    observer.push(at(13, "new", "__proto__"));
    expect(await read(open(observer), Number.POSITIVE_INFINITY, saved(first))).toEqual(["new"]);
  });
});

describe("observerSource: connections", () => {
  /** Lets everything run that waits for nothing but promises. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  function follow(observer: FakeObserver) {
    const clock = fakeClock();
    const source = open(observer, { follow: true, since: START }, { clock });
    const uuids: string[] = [];
    const controller = new AbortController();
    const ended = (async () => {
      for await (const batch of source.read({ position: undefined, signal: controller.signal })) {
        uuids.push(...batch.map(({ uuid }) => uuid));
        source.acknowledge!(batch);
      }
    })();
    ended.catch(() => {});
    return { clock, source, uuids, controller, ended };
  }

  test("reconnects without limit, and yields each flow once", async () => {
    const observer = fakeObserver({ flows: [at(10, "1")] });
    const { clock, source, uuids, controller, ended } = follow(observer);
    await settle();
    observer.setUnavailable(true);
    observer.disconnect();
    await settle();
    observer.push(at(11, "2"));
    for (let attempt = 0; attempt < 20; attempt++) {
      clock.advance(60_000);
      await settle();
    }
    expect(uuids).toEqual(["1"]);
    observer.setUnavailable(false);
    clock.advance(60_000);
    await settle();
    expect(uuids).toEqual(["1", "2"]);
    expect(source.stats.repeated).toBe(1);
    expect(source.stats.reconnects).toBeGreaterThanOrEqual(20);
    controller.abort(new Error("enough"));
    await expect(ended).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });

  test("fails with the error of the server if reconnecting cannot help", async () => {
    const observer = fakeObserver();
    const source = open(observer, { whitelist: [{ source_ip: ["not an address"] }] });
    await expect(read(source, 1)).rejects.toMatchObject({ code: "rpc_failed" });
  });

  test("ends with the stream of the server unless it is to follow", async () => {
    const observer = fakeObserver({ flows: [at(10, "1")] });
    expect(await read(open(observer), Number.POSITIVE_INFINITY)).toEqual(["1"]);
  });

  test("ends after the maximum number of attempts, if there is one", async () => {
    const observer = fakeObserver();
    observer.setUnavailable(true);
    const source = open(observer, { follow: true }, { reconnect: { maxAttempts: 1 } });
    await expect(read(source, 1)).rejects.toMatchObject({ code: "rpc_failed" });
  });
});
