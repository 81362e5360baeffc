import { expect, test } from "vitest";
import { nextState } from "../../../src/async/state-machine.js";
import { FlowscribeError } from "../../../src/errors/errors.js";
import {
  CAPTURE_TRANSITIONS,
  type CaptureEvent,
  type CaptureState,
} from "../../../src/source/device/capture-state.js";
import { namesOf, nextNames } from "../../async/transitions.js";

const failure = new FlowscribeError("device_gone", "eth0 was removed");

const STATES: readonly CaptureState[] = [
  { name: "capturing" },
  { name: "flushing", untilMs: 50, failure: undefined },
  { name: "done", failure: undefined },
  { name: "left" },
];

const EVENTS: readonly CaptureEvent[] = [
  { name: "stop", untilMs: 50 },
  { name: "fail", untilMs: 60, failure },
  { name: "flushed" },
  { name: "leave" },
];

test("CAPTURE_TRANSITIONS: every event in every state", () => {
  expect(namesOf(CAPTURE_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(CAPTURE_TRANSITIONS, STATES, EVENTS)).toEqual({
    capturing: { stop: "flushing", fail: "flushing", flushed: "impossible", leave: "left" },
    flushing: { stop: "-", fail: "flushing", flushed: "done", leave: "left" },
    done: { stop: "-", fail: "impossible", flushed: "impossible", leave: "left" },
    left: { stop: "-", fail: "impossible", flushed: "impossible", leave: "-" },
  });
});

test("CAPTURE_TRANSITIONS: a failure while flushing keeps the time, and the first failure", () => {
  const second = new FlowscribeError("capture_failed", "again");
  let state: CaptureState = { name: "capturing" };
  for (const event of [...EVENTS.slice(0, 2), { name: "fail", untilMs: 70, failure: second } as const]) {
    state = nextState(CAPTURE_TRANSITIONS, state, event);
  }
  expect(state).toEqual({ name: "flushing", untilMs: 50, failure });
  expect(nextState(CAPTURE_TRANSITIONS, state, { name: "flushed" })).toEqual({ name: "done", failure });
});
