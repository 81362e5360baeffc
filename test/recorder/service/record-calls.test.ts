import { expect, test } from "vitest";
import {
  SERVICE_TRANSITIONS,
  type ServiceEvent,
  type ServiceState,
} from "../../../src/recorder/service/record-calls.js";
import { RecordingSlots } from "../../../src/recorder/service/recording-slot.js";
import { namesOf, nextNames } from "../../async/transitions.js";

const STATES: readonly ServiceState[] = [{ name: "open" }, { name: "closing" }, { name: "closed" }];

const EVENTS: readonly ServiceEvent[] = [{ name: "shutdown", activeCalls: 1 }, { name: "lastCallEnd" }];

test("SERVICE_TRANSITIONS: define every event in every state", () => {
  expect(namesOf(SERVICE_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(SERVICE_TRANSITIONS, STATES, EVENTS)).toEqual({
    open: { shutdown: "closing", lastCallEnd: "-" },
    closing: { shutdown: "-", lastCallEnd: "closed" },
    closed: { shutdown: "-", lastCallEnd: "impossible" },
  });
});

test("SERVICE_TRANSITIONS: a shutdown without active calls closes the service at once", () => {
  const shutdown: ServiceEvent = { name: "shutdown", activeCalls: 0 };
  expect(nextNames(SERVICE_TRANSITIONS, STATES, [shutdown]).open).toEqual({ shutdown: "closed" });
});

test("RecordingSlots: rejects above the maximum until a slot is released", () => {
  const slots = new RecordingSlots(2);
  const release = slots.acquire();
  slots.acquire();
  expect(() => slots.acquire()).toThrow("unable to allocate capture rule id: at most 2 recordings at once");
  expect(slots.used).toBe(2);
  release();
  expect(slots.used).toBe(1);
  slots.acquire();
  expect(slots.used).toBe(2);
});
