import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_KEEPALIVE, Keepalive, type KeepaliveTimes } from "../../../src/rpc/client/keepalive.js";
import { fakeClock } from "../../support/fake-clock.js";

/** A monitored connection, and when it was pinged or reported, in milliseconds. */
function watched(times: KeepaliveTimes, { answers = true, canPing = true } = {}) {
  const clock = fakeClock();
  let receivedBytes = 0;
  const pings: number[] = [];
  const deaths: number[] = [];
  const keepalive = new Keepalive(
    {
      receivedBytes: () => receivedBytes,
      ping: (onAnswer) => {
        if (!canPing) return false;
        pings.push(clock.now());
        if (answers) {
          clock.setTimer(1, () => {
            receivedBytes += 17;
            onAnswer();
          });
        }
        return true;
      },
    },
    { times, clock, onDead: () => deaths.push(clock.now()) },
  );
  keepalive.start();
  const receive = () => (receivedBytes += 100);
  return { clock, keepalive, pings, deaths, receive };
}

const SECOND = 1000;

describe("Keepalive", () => {
  test("reports a server that does not answer the first ping, 50 s after its last byte", () => {
    const { clock, pings, deaths } = watched(DEFAULT_KEEPALIVE, { answers: false });
    clock.advance(1000 * SECOND);
    expect(pings).toEqual([30 * SECOND]);
    expect(deaths).toEqual([50 * SECOND]);
    expect(clock.pending).toBe(0);
  });

  test("pings first after intervalMs, then at most every repeatMs", () => {
    const { clock, pings, deaths } = watched(DEFAULT_KEEPALIVE);
    clock.advance(1000 * SECOND);
    expect(pings[0]).toBe(30 * SECOND);
    for (const [index, pingedMs] of pings.slice(1).entries()) {
      expect(pingedMs - pings[index]!).toBeGreaterThanOrEqual(DEFAULT_KEEPALIVE.repeatMs);
    }
    expect(pings.length).toBeGreaterThan(2);
    expect(deaths).toEqual([]);
  });

  test("does not ping while data arrives", () => {
    const { clock, pings, receive } = watched(DEFAULT_KEEPALIVE);
    for (let second = 0; second < 300; second += 10) {
      receive();
      clock.advance(10 * SECOND);
    }
    expect(pings).toEqual([]);
    clock.advance(60 * SECOND);
    expect(pings).toHaveLength(1);
  });

  test("counts other received bytes as a response", () => {
    const { clock, deaths, receive } = watched(DEFAULT_KEEPALIVE, { answers: false });
    clock.advance(40 * SECOND);
    receive();
    clock.advance(30 * SECOND);
    expect(deaths).toEqual([]);
  });

  test("reports a connection that cannot be pinged after repeatMs", () => {
    const { clock, deaths } = watched(DEFAULT_KEEPALIVE, { canPing: false });
    clock.advance(30 * SECOND + DEFAULT_KEEPALIVE.repeatMs);
    expect(deaths).toEqual([30 * SECOND + DEFAULT_KEEPALIVE.repeatMs]);
  });

  test("never pings with an interval of 0, and not after it was stopped", () => {
    const never = watched({ ...DEFAULT_KEEPALIVE, intervalMs: 0 });
    never.clock.advance(1000 * SECOND);
    expect(never.pings).toEqual([]);
    const stopped = watched(DEFAULT_KEEPALIVE);
    stopped.keepalive.stop();
    stopped.clock.advance(1000 * SECOND);
    expect(stopped.pings).toEqual([]);
    stopped.keepalive.start();
    stopped.clock.advance(31 * SECOND);
    expect(stopped.pings).toHaveLength(1);
  });

  test("by default respects grpc-go's policy, whenever data arrives", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 40 }), (gapsSeconds) => {
        const { clock, pings, receive } = watched(DEFAULT_KEEPALIVE);
        const sentMs: number[] = [];
        for (const gapSeconds of gapsSeconds) {
          clock.advance(gapSeconds * SECOND);
          receive();
          sentMs.push(clock.now());
        }
        clock.advance(3600 * SECOND);
        expect(mostStrikes(pings, sentMs)).toBeLessThanOrEqual(2);
      }),
    );
  });
});

const MIN_TIME_MS = 5 * 60 * SECOND;

/** `handlePing` of grpc-go's http2_server.go: the most strikes that the pings add up to; a third closes the connection. */
function mostStrikes(pings: readonly number[], sentMs: readonly number[]): number {
  let strikes = 0;
  let most = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const pingedMs of pings) {
    if (sentMs.some((ms) => ms > lastMs && ms <= pingedMs)) strikes = 0;
    else if (lastMs + MIN_TIME_MS > pingedMs) strikes++;
    most = Math.max(most, strikes);
    lastMs = pingedMs;
  }
  return most;
}
