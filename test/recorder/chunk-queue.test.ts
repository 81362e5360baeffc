import { expect, test } from "vitest";
import { QUEUE_TRANSITIONS, type QueueEvent, type QueueState } from "../../src/recorder/chunk-queue.js";
import { namesOf, nextNames } from "../async/transitions.js";

const STATES: readonly QueueState[] = [
  { name: "open" },
  { name: "complete", failure: undefined },
  { name: "left" },
];

const EVENTS: readonly QueueEvent[] = [{ name: "complete", failure: undefined }, { name: "leave" }];

test("QUEUE_TRANSITIONS: every event in every state", () => {
  expect(namesOf(QUEUE_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(QUEUE_TRANSITIONS, STATES, EVENTS)).toEqual({
    open: { complete: "complete", leave: "left" },
    complete: { complete: "impossible", leave: "left" },
    left: { complete: "-", leave: "-" },
  });
});
