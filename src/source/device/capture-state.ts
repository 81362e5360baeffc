import type { TransitionTable } from "../../async/state-machine.js";
import type { FlowscribeError } from "../../errors/errors.js";

export type CaptureState =
  | { readonly name: "capturing" }
  /** The capture was stopped or has failed. Packets that arrived before are still read from the kernel. */
  | {
      readonly name: "flushing";
      /** Time by which the kernel has delivered those packets, as of `performance.now()`. */
      readonly untilMs: number;
      readonly failure: FlowscribeError | undefined;
    }
  /** All packets are read. The failure is thrown after them. */
  | { readonly name: "done"; readonly failure: FlowscribeError | undefined }
  /** The reader has left, or the capture is closed. */
  | { readonly name: "left" };

export type CaptureEvent =
  | { readonly name: "stop"; readonly untilMs: number }
  | { readonly name: "fail"; readonly untilMs: number; readonly failure: FlowscribeError }
  /** The last packet that arrived before the stop or the failure is read. */
  | { readonly name: "flushed" }
  | { readonly name: "leave" };

const left = (): CaptureState => ({ name: "left" });

export const CAPTURE_TRANSITIONS: TransitionTable<CaptureState, CaptureEvent> = {
  capturing: {
    stop: (_, { untilMs }) => ({ name: "flushing", untilMs, failure: undefined }),
    fail: (_, { untilMs, failure }) => ({ name: "flushing", untilMs, failure }),
    flushed: "impossible",
    leave: left,
  },
  flushing: {
    stop: "ignored",
    // The first failure counts, and the time of the stop.
    fail: (state, { failure }) => ({ ...state, failure: state.failure ?? failure }),
    flushed: ({ failure }) => ({ name: "done", failure }),
    leave: left,
  },
  done: { stop: "ignored", fail: "impossible", flushed: "impossible", leave: left },
  left: { stop: "ignored", fail: "impossible", flushed: "impossible", leave: "ignored" },
};
