import { describe, expect, test } from "vitest";
import { NO_STATS, type WireStats } from "../../../src/recorder/service/response.js";
import {
  PACE_TRANSITIONS,
  type PaceEvent,
  type PaceState,
  ResponsePace,
} from "../../../src/recorder/service/response-pace.js";
import { namesOf, nextNames } from "../../async/transitions.js";
import { fakeClock } from "../../support/fake-clock.js";

const STATES: readonly PaceState[] = [
  { name: "ready" },
  { name: "unread" },
  { name: "holding" },
  { name: "due" },
];

const EVENTS: readonly PaceEvent[] = [
  { name: "send" },
  { name: "read", hasMinimum: true },
  { name: "minimumPassed" },
  { name: "maximumPassed" },
];

const IMPOSSIBLE = {
  send: "impossible",
  read: "impossible",
  minimumPassed: "impossible",
  maximumPassed: "impossible",
};

test("PACE_TRANSITIONS: every event in every state", () => {
  expect(namesOf(PACE_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(PACE_TRANSITIONS, STATES, EVENTS)).toEqual({
    ready: { ...IMPOSSIBLE, send: "unread", maximumPassed: "due" },
    unread: { ...IMPOSSIBLE, read: "holding" },
    holding: { ...IMPOSSIBLE, minimumPassed: "ready", maximumPassed: "due" },
    due: { ...IMPOSSIBLE, send: "unread", minimumPassed: "-" },
  });
  expect(nextNames(PACE_TRANSITIONS, STATES, [{ name: "read", hasMinimum: false }]).unread).toEqual({
    read: "ready",
  });
});

describe("ResponsePace", () => {
  const MORE: WireStats = { ...NO_STATS, packetsCaptured: 1n };

  function start(changeIntervalMs: number) {
    const clock = fakeClock();
    const events: string[] = [];
    const pace = new ResponsePace(
      { clock, runningIntervalMs: 1000, changeIntervalMs, limits: { readTimeoutMs: 5000 } },
      () => events.push("ready"),
      () => events.push("unread"),
    );
    pace.send(NO_STATS);
    return { clock, events, pace };
  }

  test("a change is held back until the minimum interval has passed", () => {
    const { clock, pace } = start(100);
    pace.read();
    pace.change();
    expect(pace.select(() => MORE)).toBeUndefined();
    clock.advance(100);
    expect(pace.select(() => MORE)).toBe(MORE);
  });

  test("without a minimum interval, a change is sent at once", () => {
    const { pace } = start(0);
    pace.read();
    pace.change();
    expect(pace.select(() => MORE)).toBe(MORE);
  });

  test("unchanged counts are sent only after the maximum interval", () => {
    const { clock, pace } = start(100);
    pace.read();
    pace.change();
    clock.advance(999);
    expect(pace.select(() => NO_STATS)).toBeUndefined();
    clock.advance(1);
    expect(pace.select(() => NO_STATS)).toBe(NO_STATS);
  });

  test("reports a response that is not read in time, and no timers remain after the end", () => {
    const { clock, events, pace } = start(100);
    clock.advance(5000);
    expect(events).toEqual(["unread"]);
    pace.read();
    expect(clock.pending).toBe(2);
    pace.end();
    expect(clock.pending).toBe(0);
  });
});
