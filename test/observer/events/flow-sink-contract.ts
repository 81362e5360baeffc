import { describe, expect, test } from "vitest";
import {
  type EncodedEvent,
  encodeEvent,
  type FlowSink,
  flowResponse,
  type RefusedEventsError,
} from "../../../src/observer/index.js";
import { flow } from "../../../src/testing/index.js";

/** The other side of a sink: a server, or a fake of one. Created for each test. */
export interface SinkPeer extends AsyncDisposable {
  /** Opens a sink, whose events are stored in one order. */
  open(): Promise<FlowSink>;
  /** The bodies of the stored events, in their order. */
  stored(): Promise<readonly Uint8Array[]>;
  /** Bytes of an event that is too large; undefined if the peer accepts any. */
  readonly tooLargeBytes?: number;
}

/** A peer that can be controlled. */
export interface ControlledPeer extends SinkPeer {
  /** The most messages without an answer that the sink may have. */
  readonly maxPending: number;
  /** From now on, answers are held back, until `release`. */
  hold(): void;
  release(): void;
  /** Resolves when this many messages have arrived in all. */
  received(count: number): Promise<void>;
  /** The most messages that were without an answer at the same time. */
  readonly mostPending: number;
  /** The next message is answered with an error that may pass. */
  failNext(): void;
}

let events = 0;

/** A flow event with a UUID of its own, and a node that all share. */
export function sinkEvent(uuid = `event-${events++}`, summaryBytes = 0): EncodedEvent {
  return encodeEvent(flowResponse(flow({ uuid, nodeName: "node-1", Summary: "x".repeat(summaryBytes) })));
}

export function sinkEvents(count: number): EncodedEvent[] {
  return Array.from({ length: count }, () => sinkEvent());
}

export const bodies = (list: readonly EncodedEvent[]): Uint8Array[] =>
  list.map(({ bytes }) => new Uint8Array(bytes));

async function storedIn(peer: SinkPeer): Promise<Uint8Array[]> {
  return (await peer.stored()).map((body) => new Uint8Array(body));
}

/**
 * The rules of {@link FlowSink}, for any peer.
 *
 * @param canRefuse Whether the peer refuses events; it has `tooLargeBytes` then.
 */
export function flowSinkContract(
  name: string,
  create: () => Promise<SinkPeer>,
  { canRefuse = true }: { readonly canRefuse?: boolean } = {},
): void {
  describe(`${name}: the contract of sinks`, () => {
    test("write: stores the bytes of the events in their order, over several calls", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const [first, second] = [sinkEvents(300), sinkEvents(5)];
      await sink.write(first);
      await sink.write([]);
      await sink.write(second);
      expect(await storedIn(peer)).toEqual(bodies([...first, ...second]));
      expect(sink.stats).toEqual({ written: 305, refused: 0, failures: 0 });
    });

    test("write: stores events without UUID, time and node", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const bare = encodeEvent(flowResponse(flow({ uuid: "" })));
      await sink.write([{ ...bare, uuid: "", time: undefined, node: "" }]);
      expect(await storedIn(peer)).toEqual(bodies([bare]));
    });

    test("write: stores events whose node and UUID no header can have", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const hostile = sinkEvents(3).map((event, index) => ({
        ...event,
        node: ["a\r\nNats-Msg-Id: x", "\u00e9\u{1f600}", "n".repeat(100_000)][index] as string,
        uuid: `u\r\n\r\n${index}`,
      }));
      await sink.write(hostile);
      expect(new Set((await storedIn(peer)).map(String))).toEqual(new Set(bodies(hostile).map(String)));
    });

    if (canRefuse) refusalContract(create);

    test("write: rejects with the reason of a signal that is aborted, and stores nothing", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const reason = new Error("enough");
      await expect(sink.write(sinkEvents(2), AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(await storedIn(peer)).toEqual([]);
      expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 0 });
    });

    test("write: rejects invalid arguments", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      await expect(sink.write("x" as never)).rejects.toThrow(
        new TypeError('write: events must be a list, not "x"'),
      );
      await expect(sink.write([{}] as never)).rejects.toThrow(/^write: events\[0\]\.bytes is required$/);
      await expect(sink.write([], {} as never)).rejects.toThrow(/^write: signal must be an AbortSignal/);
    });

    test("write: rejects calls that overlap", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const first = sink.write(sinkEvents(1));
      await expect(sink.write(sinkEvents(1))).rejects.toThrow(/calls of write must not overlap/);
      await first;
      expect(await storedIn(peer)).toHaveLength(1);
    });

    test("dispose: waits for a pending write, may be repeated, and write rejects afterwards", async () => {
      await using peer = await create();
      const sink = await peer.open();
      let isWritten = false;
      const written = sink.write(sinkEvents(3)).then(() => {
        isWritten = true;
      });
      await sink[Symbol.asyncDispose]();
      expect(isWritten).toBe(true);
      await written;
      await sink[Symbol.asyncDispose]();
      await expect(sink.write(sinkEvents(1))).rejects.toThrow(TypeError);
      expect(await storedIn(peer)).toHaveLength(3);
    });

    test("flush: resolves after the pending write", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const writing = sink.write(sinkEvents(3));
      await sink.flush();
      expect(sink.stats.written).toBe(3);
      await writing;
      await sink.flush();
    });
  });
}

function refusalContract(create: () => Promise<SinkPeer>): void {
  test("write: refuses events that are too large, and stores the others in their order", async () => {
    await using peer = await create();
    await using sink = await peer.open();
    const small = sinkEvents(6);
    const { tooLargeBytes = 0 } = peer;
    const large = [sinkEvent("large-1", tooLargeBytes), sinkEvent("large-2", tooLargeBytes)];
    const [a, b, c, ...rest] = small as [EncodedEvent, EncodedEvent, EncodedEvent, EncodedEvent];
    const writing = sink.write([a, b, large[0]!, c, ...rest, large[1]!]);
    const error = await writing.then(
      () => undefined,
      (reason: RefusedEventsError) => reason,
    );
    expect(error).toMatchObject({ name: "RefusedEventsError", code: "events_refused" });
    expect(error?.refused.map(({ event }) => event)).toEqual(large);
    // Splitting a batch may store events twice.
    const stored = (await storedIn(peer)).map(String);
    expect(stored.filter((body, index) => stored.indexOf(body) === index)).toEqual(bodies(small).map(String));
    expect(sink.stats).toEqual({ written: 6, refused: 2, failures: 0 });
  });
}

/** The rules that need control of the peer. */
export function controlledSinkContract(name: string, create: () => Promise<ControlledPeer>): void {
  describe(`${name}: the contract of sinks, with a peer that holds answers back or fails`, () => {
    test("write: reports nothing as written before it is acknowledged", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      peer.hold();
      let isSettled = false;
      const writing = sink.write(sinkEvents(2)).finally(() => {
        isSettled = true;
      });
      await peer.received(1);
      expect([isSettled, sink.stats.written]).toEqual([false, 0]);
      peer.release();
      await writing;
      expect(sink.stats.written).toBe(2);
    });

    test("write: has at most a bounded number of messages without an answer", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const events = sinkEvents(4 * peer.maxPending + 3);
      peer.hold();
      const writing = sink.write(events);
      await peer.received(1);
      peer.release();
      await writing;
      expect(await storedIn(peer)).toEqual(bodies(events));
      expect(peer.mostPending).toBeLessThanOrEqual(peer.maxPending);
      expect(peer.mostPending).toBeGreaterThan(0);
    });

    test("write: rejects with sink_failed if the peer fails, and stores every event when repeated", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      const events = sinkEvents(20);
      peer.failNext();
      await expect(sink.write(events)).rejects.toMatchObject({
        name: "FlowscribeError",
        code: "sink_failed",
      });
      expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 1 });
      await sink.write(events);
      expect(new Set((await storedIn(peer)).map(String))).toEqual(new Set(bodies(events).map(String)));
      expect(sink.stats).toEqual({ written: 20, refused: 0, failures: 1 });
    });

    test("write: gives up at once when the signal is aborted, and accepts further events", async () => {
      await using peer = await create();
      await using sink = await peer.open();
      peer.hold();
      const controller = new AbortController();
      const reason = new Error("enough");
      const events = sinkEvents(2);
      const writing = sink.write(events, controller.signal);
      await peer.received(1);
      controller.abort(reason);
      await expect(writing).rejects.toBe(reason);
      peer.release();
      await sink.write(events);
      expect(sink.stats).toEqual({ written: 2, refused: 0, failures: 0 });
      expect(new Set((await storedIn(peer)).map(String))).toEqual(new Set(bodies(events).map(String)));
    });
  });
}
