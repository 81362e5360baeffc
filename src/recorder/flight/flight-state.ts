import type { TransitionTable } from "../../async/state-machine.js";
import type { FlightStopReason } from "./flight-recorder.js";
import type { FlightStats } from "./stats.js";

export type FlightState =
  | { readonly name: "recording" }
  /** There is a reason to stop, the first one. Packets that arrived before are still written to a running capture. */
  | { readonly name: "stopping"; readonly reason: FlightStopReason }
  /** The counts are final: the source may continue to count, or be disposed of. */
  | { readonly name: "ended"; readonly stats: FlightStats };

export type FlightEvent =
  | { readonly name: "stop"; readonly reason: FlightStopReason }
  /** Everything is closed, or the recorder has failed. */
  | { readonly name: "end"; readonly stats: FlightStats };

const ended = (_: FlightState, { stats }: { readonly stats: FlightStats }): FlightState => ({
  name: "ended",
  stats,
});

export const FLIGHT_TRANSITIONS: TransitionTable<FlightState, FlightEvent> = {
  recording: {
    stop: (_, { reason }) => ({ name: "stopping", reason }),
    end: ended,
  },
  stopping: {
    stop: "ignored",
    end: ended,
  },
  ended: {
    stop: "ignored",
    end: "impossible",
  },
};
