import { afterEach, describe, expect, test, vi } from "vitest";
import type { StreamConsumer, StreamMessage } from "../../src/nats/consumer.js";
import { MessagePull } from "../../src/nats/pull.js";
import { fakeClock } from "../../src/testing/index.js";
import { PATIENCE } from "../support/patience.js";

type Fetch = Parameters<StreamConsumer["fetch"]>[0] & {
  close(error?: Error): void;
  readonly isClosed: () => boolean;
};

/** A consumer and a connection that the test controls. */
function create(maxBatch: number) {
  const clock = fakeClock();
  const fetches: Fetch[] = [];
  let infoError: Error | undefined;
  let push: (status: { type: string } | undefined) => void = () => {};
  const statuses: ({ type: string } | undefined)[] = [];
  async function* status() {
    for (;;) {
      while (statuses.length === 0) {
        await new Promise<void>((resolve) => {
          push = (next) => {
            statuses.push(next);
            resolve();
          };
        });
      }
      const next = statuses.shift();
      if (next === undefined) return;
      yield next;
    }
  }
  const connection = {
    info: { max_payload: 1 },
    publish: () => {},
    subscribe: () => ({ unsubscribe: () => {} }),
    flush: async () => {},
    status,
    isClosed: () => false,
    closed: async () => new Error("gone for good"),
    close: async () => {},
  };
  const consumer: StreamConsumer = {
    ackWaitMs: 30_000,
    fetch: async (request) => {
      let isClosed = false;
      let resolve: (error: Error | undefined) => void = () => {};
      const closed = new Promise<Error | undefined>((settle) => {
        resolve = (error) => {
          isClosed = true;
          settle(error);
        };
      });
      fetches.push({ ...request, close: (error) => resolve(error), isClosed: () => isClosed });
      return {
        closed: () => closed,
        close: async () => resolve(undefined),
      };
    },
    info: async () => {
      if (infoError !== undefined) throw infoError;
    },
  };
  const received: number[] = [];
  const pull = new MessagePull(connection, consumer, { maxBatch, clock }, ({ seq }) => received.push(seq));
  let seq = 0;
  return {
    ...{ pull, clock, fetches, received },
    deliver: (fetch: number, count: number) => {
      for (let index = 0; index < count; index++) {
        const message = { seq: seq++ } as StreamMessage;
        fetches[fetch]?.callback(message);
      }
    },
    setInfoError: (error: Error) => {
      infoError = error;
    },
    status: (type: string | undefined) => push(type === undefined ? undefined : { type }),
  };
}

describe("MessagePull", () => {
  let peer: ReturnType<typeof create>;
  afterEach(() => peer.pull.end());

  test("resolves next with the first messages, and requests more when the request is used up", async () => {
    peer = create(10);
    const { pull, fetches, received } = peer;
    const next = pull.next();
    expect(fetches).toHaveLength(1);
    expect(fetches[0]).toMatchObject({ max_messages: 10 });
    peer.deliver(0, 3);
    await next;
    expect([pull.queue.length, received]).toEqual([3, [0, 1, 2]]);
    pull.queue.length = 0;
    const second = pull.next();
    peer.deliver(0, 7);
    fetches[0]?.close();
    await second;
    await vi.waitFor(() => expect(fetches).toHaveLength(1), PATIENCE);
    pull.queue.splice(0, 3);
    await pull.next();
    expect(fetches).toHaveLength(2);
  });

  test("never has more than twice maxBatch in the queue", async () => {
    peer = create(10);
    const { pull, fetches } = peer;
    const next = pull.next();
    peer.deliver(0, 9);
    fetches[0]?.close();
    await next;
    await vi.waitFor(async () => {
      await pull.next();
      expect(fetches).toHaveLength(2);
    }, PATIENCE);
    peer.deliver(1, 10);
    fetches[1]?.close();
    for (let count = 0; count < 5; count++) await pull.next();
    expect([pull.queue.length, fetches.length]).toEqual([19, 2]);
  });

  test("requests again after a lost connection, at once when it is back", async () => {
    peer = create(10);
    const { pull, fetches } = peer;
    const next = pull.next();
    await new Promise(setImmediate);
    peer.status("disconnect");
    await vi.waitFor(() => expect(fetches[0]?.isClosed()).toBe(true), PATIENCE);
    expect(fetches).toHaveLength(1);
    peer.status("reconnect");
    await vi.waitFor(() => expect(fetches).toHaveLength(2), PATIENCE);
    peer.deliver(1, 1);
    await next;
    expect(pull.queue).toHaveLength(1);
  });

  test("tries again after an error that may pass", async () => {
    peer = create(10);
    const { pull, fetches, clock } = peer;
    const next = pull.next();
    await new Promise(setImmediate);
    fetches[0]?.close(new Error("heartbeats missed"));
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
    clock.advance(500);
    await vi.waitFor(() => expect(fetches).toHaveLength(2), PATIENCE);
    peer.deliver(1, 1);
    await next;
    expect(pull.failure).toBeUndefined();
  });

  test.each<[string, (peer: ReturnType<typeof create>) => void]>([
    ["the request says so", ({ fetches }) => fetches[0]?.close(new Error("Consumer Deleted"))],
    [
      "the server says so after an error",
      ({ fetches, clock, setInfoError }) => {
        setInfoError(Object.assign(new Error("stream not found"), { code: 10059 }));
        fetches[0]?.close(new Error("heartbeats missed"));
        setImmediate(() => clock.advance(500));
      },
    ],
    ["the connection is closed", ({ status }) => status(undefined)],
  ])("ends if the consumer is gone: %s", async (_, act) => {
    peer = create(10);
    const { pull } = peer;
    const next = pull.next();
    await new Promise(setImmediate);
    act(peer);
    await next;
    expect(pull.failure?.error).toBeInstanceOf(Error);
    expect(pull.queue).toHaveLength(0);
  });

  test("end: closes the request, ignores later messages, and leaves no timer", async () => {
    peer = create(10);
    const { pull, fetches, clock, received } = peer;
    const next = pull.next();
    await new Promise(setImmediate);
    pull.end();
    await next;
    expect(fetches[0]?.isClosed()).toBe(true);
    peer.deliver(0, 1);
    expect([pull.queue.length, received.length, clock.pending]).toEqual([0, 0, 0]);
    expect(pull.failure).toBeUndefined();
  });
});
