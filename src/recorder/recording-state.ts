import type { TransitionTable } from "../async/state-machine.js";
import type { StopReason } from "./recording.js";
import type { RecordingStats } from "./stats.js";
import type { StopLimit } from "./stop.js";

export type RecordingState =
  /** The sink is being opened. */
  | { readonly name: "opening" }
  | { readonly name: "recording" }
  /** There is a reason to stop, the first one. Packets received before that are still recorded. */
  | { readonly name: "stopping"; readonly reason: StopReason }
  /** The counts are final: the source may continue to count, or be disposed of. */
  | { readonly name: "ended"; readonly stats: RecordingStats };

export type RecordingEvent =
  | { readonly name: "sinkOpen" }
  /** `stop()` was called, or the time limit has passed. */
  | { readonly name: "stop"; readonly reason: "requested" | "time" }
  /** No further packet is recorded. */
  | { readonly name: "full"; readonly reason: StopLimit }
  | { readonly name: "sourceEnd" }
  /** The sink is closed, or the recording has failed. */
  | { readonly name: "end"; readonly stats: RecordingStats };

const stopping = (_: RecordingState, { reason }: { readonly reason: StopReason }): RecordingState => ({
  name: "stopping",
  reason,
});

const ended = (_: RecordingState, { stats }: { readonly stats: RecordingStats }): RecordingState => ({
  name: "ended",
  stats,
});

export const RECORDING_TRANSITIONS: TransitionTable<RecordingState, RecordingEvent> = {
  opening: {
    sinkOpen: () => ({ name: "recording" }),
    stop: stopping,
    full: "impossible",
    sourceEnd: "impossible",
    end: ended,
  },
  recording: {
    sinkOpen: "impossible",
    stop: stopping,
    full: stopping,
    sourceEnd: () => ({ name: "stopping", reason: "source_end" }),
    end: ended,
  },
  stopping: {
    // The recording was stopped while its sink was being opened.
    sinkOpen: "ignored",
    stop: "ignored",
    full: "ignored",
    sourceEnd: "ignored",
    end: ended,
  },
  ended: {
    sinkOpen: "impossible",
    stop: "ignored",
    full: "impossible",
    sourceEnd: "impossible",
    end: "impossible",
  },
};
