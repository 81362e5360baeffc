import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { nextState } from "../../../src/async/state-machine.js";
import { StartRecordingSchema } from "../../../src/gen/recorder/recorder_pb.js";
import { fromBatches } from "../../../src/packet/index.js";
import { type RecordingResult, record } from "../../../src/recorder/index.js";
import {
  CALL_TRANSITIONS,
  type CallEvent,
  type CallState,
  OUTCOMES,
} from "../../../src/recorder/service/call-state.js";
import { namesOf, nextNames } from "../../async/transitions.js";
import { ETHERNET, WANTED } from "../packets.js";

const start = create(StartRecordingSchema);
const recording = record(fromBatches([], ETHERNET), WANTED);
const result: RecordingResult = { reason: "source_end", stats: recording.stats };
const error = new Error("disk full");

const STATES: readonly CallState[] = [
  { name: "waiting" },
  { name: "opening", start, isStopRequested: false },
  { name: "starting", recording, isStopRequested: false },
  { name: "recording", recording },
  { name: "stopping", recording },
  { name: "stopped", recording, result },
  { name: "rejected", recording, error },
  { name: "failed", recording, error },
];

const EVENTS: readonly CallEvent[] = [
  { name: "start", start },
  { name: "stop" },
  { name: "begin", recording },
  { name: "sinkOpen" },
  { name: "stopped", result },
  { name: "failed", error },
];

const IMPOSSIBLE = {
  start: "impossible",
  stop: "-",
  begin: "impossible",
  sinkOpen: "impossible",
  stopped: "impossible",
  failed: "impossible",
};

test("CALL_TRANSITIONS: every event in every state", () => {
  expect(namesOf(CALL_TRANSITIONS)).toEqual({
    states: STATES.map(({ name }) => name),
    events: EVENTS.map(({ name }) => name),
  });
  expect(nextNames(CALL_TRANSITIONS, STATES, EVENTS)).toEqual({
    waiting: { ...IMPOSSIBLE, start: "opening", stop: "impossible" },
    opening: { ...IMPOSSIBLE, stop: "opening", begin: "starting" },
    starting: { ...IMPOSSIBLE, stop: "starting", sinkOpen: "recording", failed: "rejected" },
    recording: {
      ...IMPOSSIBLE,
      stop: "stopping",
      stopped: "stopped",
      failed: "failed",
    },
    stopping: { ...IMPOSSIBLE, stopped: "stopped", failed: "failed" },
    stopped: IMPOSSIBLE,
    rejected: { ...IMPOSSIBLE, sinkOpen: "failed" },
    failed: IMPOSSIBLE,
  });
});

test("CALL_TRANSITIONS: an early stop request is remembered until the sink is open", () => {
  const events: readonly CallEvent[] = [
    { name: "start", start },
    { name: "stop" },
    { name: "begin", recording },
    { name: "sinkOpen" },
  ];
  let state: CallState = { name: "waiting" };
  for (const event of events) state = nextState(CALL_TRANSITIONS, state, event);
  expect(state).toEqual({ name: "stopping", recording });
});

test("OUTCOMES: a call without a recording is refused, and one with a complete file stopped", () => {
  expect(OUTCOMES).toEqual({
    waiting: "refused",
    opening: "refused",
    starting: "refused",
    recording: "failed",
    stopping: "failed",
    stopped: "stopped",
    rejected: "refused",
    failed: "failed",
  });
});
