import { describe, expect, test } from "vitest";
import { type FlowSink, RefusedEventsError } from "../../src/observer/index.js";
import { eventsOf } from "./http/http-server.js";

/** The status that the server answers a request with; the events of requests with 200 are stored. */
export type Behaviour = (uuids: readonly string[], call: number) => number;

export interface OpenedSink {
  readonly sink: FlowSink;
  /** The UUIDs of the requests that the server has stored. */
  readonly stored: () => readonly (readonly string[])[];
}

/** What every sink promises that sends events in requests. */
export function requestSinkContract(name: string, open: (behaviour: Behaviour) => Promise<OpenedSink>): void {
  describe(name, () => {
    test("stores events in their order, and nothing for an empty batch", async () => {
      const { sink, stored } = await open(() => 200);
      await sink.write([]);
      await sink.write(eventsOf("1", "2", "3"));
      await sink.write(eventsOf("4"));
      expect(stored()).toEqual([["1", "2", "3"], ["4"]]);
      expect(sink.stats).toEqual({ written: 4, refused: 0, failures: 0 });
      await sink.flush();
      await sink[Symbol.asyncDispose]();
    });

    test("stores all events when a failed write is repeated", async () => {
      const { sink, stored } = await open((_, call) => (call === 1 ? 503 : 200));
      const events = eventsOf("1", "2");
      await expect(sink.write(events)).rejects.toMatchObject({ code: "sink_failed" });
      expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 1 });
      await sink.write(events);
      expect(stored()).toEqual([["1", "2"]]);
      expect(sink.stats).toEqual({ written: 2, refused: 0, failures: 1 });
    });

    test("refuses exactly the events that the server refuses, and stores all others in order", async () => {
      const { sink, stored } = await open((uuids) =>
        uuids.some((one) => one.startsWith("bad")) ? 400 : 200,
      );
      const events = eventsOf("1", "2", "bad1", "3", "4", "bad2", "5");
      const error = await sink.write(events).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RefusedEventsError);
      const { refused } = error as RefusedEventsError;
      expect(refused.map(({ event }) => event)).toEqual([events[2], events[5]]);
      expect(stored().flat()).toEqual(["1", "2", "3", "4", "5"]);
      expect(sink.stats).toEqual({ written: 5, refused: 2, failures: 0 });
    });

    test("fails and refuses nothing if the server refuses everything from the beginning", async () => {
      const { sink } = await open(() => 400);
      const failure = { code: "sink_failed", message: expect.stringContaining("every event so far") };
      await expect(sink.write(eventsOf("1", "2"))).rejects.toMatchObject(failure);
      expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 1 });
    });

    test("divides requests that are too large for the server", async () => {
      const { sink, stored } = await open((uuids) => (uuids.length > 2 ? 413 : 200));
      await sink.write(eventsOf("1", "2", "3", "4", "5"));
      expect(stored()).toEqual([["1", "2"], ["3"], ["4", "5"]]);
    });

    test("refuses a single event that is too large for the server", async () => {
      const { sink, stored } = await open((uuids) => (uuids.includes("2") ? 413 : 200));
      await expect(sink.write(eventsOf("1", "2", "3"))).rejects.toThrow(
        /the sink refused the flow 2: .*status 413/,
      );
      expect(stored().flat()).toEqual(["1", "3"]);
    });

    test("rejects with the reason of the signal", async () => {
      const { sink, stored } = await open(() => 200);
      const reason = new Error("given up");
      await expect(sink.write(eventsOf("1"), AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(stored()).toEqual([]);
    });

    test("throws a TypeError after it was closed, which may happen twice", async () => {
      const { sink } = await open(() => 200);
      await sink[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
      await expect(sink.write(eventsOf("1"))).rejects.toThrow(new TypeError("the sink is closed"));
    });
  });
}
