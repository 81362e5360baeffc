import type { TransitionTable } from "../../async/state-machine.js";
import type { StartRecording } from "../../gen/recorder/recorder_pb.js";
import type { Recording, RecordingResult } from "../recording.js";

/** The states of a Record call, from its first request to the end of its recording. */
export type CallState =
  /** The client has not sent its start request. */
  | { readonly name: "waiting" }
  /** The request is checked, then the source is opened. */
  | { readonly name: "opening"; readonly start: StartRecording; readonly isStopRequested: boolean }
  /** The recording has begun, and its sink is being opened. */
  | { readonly name: "starting"; readonly recording: Recording; readonly isStopRequested: boolean }
  | { readonly name: "recording"; readonly recording: Recording }
  /** The client or the service has requested a graceful end. */
  | { readonly name: "stopping"; readonly recording: Recording }
  | { readonly name: "stopped"; readonly recording: Recording; readonly result: RecordingResult }
  /** The recording has failed before its sink was open. */
  | { readonly name: "rejected"; readonly recording: Recording; readonly error: unknown }
  /** The recording has failed after its sink was open. */
  | { readonly name: "failed"; readonly recording: Recording; readonly error: unknown };

export type CallEvent =
  /** The client has sent its start request. */
  | { readonly name: "start"; readonly start: StartRecording }
  /** The client has sent its stop request, or the service shuts down. */
  | { readonly name: "stop" }
  /** The source is open, and the recording begins. */
  | { readonly name: "begin"; readonly recording: Recording }
  | { readonly name: "sinkOpen" }
  /** The recording has ended gracefully. */
  | { readonly name: "stopped"; readonly result: RecordingResult }
  /** The recording has failed. */
  | { readonly name: "failed"; readonly error: unknown };

type Running = Extract<CallState, { readonly name: "recording" | "stopping" }>;

const stopped = ({ recording }: Running, { result }: { readonly result: RecordingResult }): CallState => ({
  name: "stopped",
  recording,
  result,
});

const failed = ({ recording }: Running, { error }: { readonly error: unknown }): CallState => ({
  name: "failed",
  recording,
  error,
});

export const CALL_TRANSITIONS: TransitionTable<CallState, CallEvent> = {
  waiting: {
    start: (_, { start }) => ({ name: "opening", start, isStopRequested: false }),
    stop: "impossible",
    begin: "impossible",
    sinkOpen: "impossible",
    stopped: "impossible",
    failed: "impossible",
  },
  opening: {
    start: "impossible",
    stop: (state) => ({ ...state, isStopRequested: true }),
    begin: ({ isStopRequested }, { recording }) => ({ name: "starting", recording, isStopRequested }),
    sinkOpen: "impossible",
    stopped: "impossible",
    failed: "impossible",
  },
  starting: {
    start: "impossible",
    stop: (state) => ({ ...state, isStopRequested: true }),
    begin: "impossible",
    sinkOpen: ({ recording, isStopRequested }) => ({
      name: isStopRequested ? "stopping" : "recording",
      recording,
    }),
    stopped: "impossible",
    failed: ({ recording }, { error }) => ({ name: "rejected", recording, error }),
  },
  recording: {
    start: "impossible",
    stop: ({ recording }) => ({ name: "stopping", recording }),
    begin: "impossible",
    sinkOpen: "impossible",
    stopped: stopped,
    failed: failed,
  },
  stopping: {
    start: "impossible",
    stop: "ignored",
    begin: "impossible",
    sinkOpen: "impossible",
    stopped: stopped,
    failed: failed,
  },
  stopped: {
    start: "impossible",
    stop: "ignored",
    begin: "impossible",
    sinkOpen: "impossible",
    stopped: "impossible",
    failed: "impossible",
  },
  rejected: {
    start: "impossible",
    stop: "ignored",
    begin: "impossible",
    // The sink was still being opened when the recording was aborted.
    sinkOpen: ({ recording, error }) => ({ name: "failed", recording, error }),
    stopped: "impossible",
    failed: "impossible",
  },
  failed: {
    start: "impossible",
    stop: "ignored",
    begin: "impossible",
    sinkOpen: "impossible",
    stopped: "impossible",
    failed: "impossible",
  },
};

/** How a call ended. */
export type CallOutcome = "stopped" | "failed" | "refused";

/** The outcome of a call that ends in a state; `refused` if nothing was recorded. */
export const OUTCOMES: { readonly [S in CallState["name"]]: CallOutcome } = {
  waiting: "refused",
  opening: "refused",
  starting: "refused",
  recording: "failed",
  stopping: "failed",
  stopped: "stopped",
  rejected: "refused",
  failed: "failed",
};
