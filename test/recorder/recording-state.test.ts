import { expect, test } from "vitest";
import { nextState } from "../../src/async/state-machine.js";
import type { RecordingStats } from "../../src/recorder/index.js";
import {
  RECORDING_TRANSITIONS,
  type RecordingEvent,
  type RecordingState,
} from "../../src/recorder/recording-state.js";
import { namesOf, nextNames } from "../async/transitions.js";

const stats: RecordingStats = {
  packetsCaptured: 1,
  bytesCaptured: 60,
  packetsLostInQueue: 0,
  bytesLostInQueue: 0,
  packetsLostInKernel: 0,
};

const STATES: readonly RecordingState[] = [
  { name: "opening" },
  { name: "recording" },
  { name: "stopping", reason: "packets" },
  { name: "ended", stats },
];

const EVENTS: readonly RecordingEvent[] = [
  { name: "sinkOpen" },
  { name: "stop", reason: "requested" },
  { name: "full", reason: "bytes" },
  { name: "sourceEnd" },
  { name: "end", stats },
];

test("RECORDING_TRANSITIONS: every event in every state", () => {
  expect(namesOf(RECORDING_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(RECORDING_TRANSITIONS, STATES, EVENTS)).toEqual({
    opening: {
      sinkOpen: "recording",
      stop: "stopping",
      full: "impossible",
      sourceEnd: "impossible",
      end: "ended",
    },
    recording: {
      sinkOpen: "impossible",
      stop: "stopping",
      full: "stopping",
      sourceEnd: "stopping",
      end: "ended",
    },
    stopping: { sinkOpen: "-", stop: "-", full: "-", sourceEnd: "-", end: "ended" },
    ended: {
      sinkOpen: "impossible",
      stop: "-",
      full: "impossible",
      sourceEnd: "impossible",
      end: "impossible",
    },
  });
});

test.each<{ events: readonly RecordingEvent[]; reason: string }>([
  { events: [{ name: "stop", reason: "requested" }, { name: "sinkOpen" }], reason: "requested" },
  { events: [{ name: "sinkOpen" }, { name: "stop", reason: "time" }, { name: "sourceEnd" }], reason: "time" },
  { events: [{ name: "sinkOpen" }, { name: "full", reason: "bytes" }], reason: "bytes" },
  { events: [{ name: "sinkOpen" }, { name: "sourceEnd" }], reason: "source_end" },
])("RECORDING_TRANSITIONS: the first reason counts: $reason", ({ events, reason }) => {
  let state: RecordingState = { name: "opening" };
  for (const event of events) state = nextState(RECORDING_TRANSITIONS, state, event);
  expect(state).toEqual({ name: "stopping", reason });
});
