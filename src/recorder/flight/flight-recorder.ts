import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { aSource, type PacketSource } from "../../packet/source.js";
import { FlightRun } from "./flight-run.js";
import { FLIGHT_OPTIONS, type FlightOptions } from "./options.js";
import type { FlightCaptureReason } from "./running-capture.js";
import type { FlightStats } from "./stats.js";
import { checkTrigger } from "./trigger/check-trigger.js";

/** A capture that has ended. */
export interface FlightCapture {
  /** 1 for the first capture of the recorder. */
  readonly number: number;
  /** Absolute path; undefined if the sink is not a file, or could not be opened. */
  readonly filePath: string | undefined;
  readonly packets: number;
  /** The bytes of its packets, with 16 bytes for the header of each. */
  readonly bytes: number;
  /** The number of triggers, of which the first began the capture. */
  readonly triggers: number;
  readonly reason: FlightCaptureReason;
  /** Why the sink failed; the file has the packets that were written before. */
  readonly error: Error | undefined;
}

/** What the program reports with {@link FlightRecorder.trigger}. */
export interface FlightTrigger {
  /** For the scope; without a flow, a capture contains all packets. */
  readonly flow?: Flow;
  /** Milliseconds since 1970; by default the time of the flow, or else the time of the clock. */
  readonly timeMs?: number;
}

/** Why a flight recorder ended. */
export type FlightStopReason = "requested" | "source_end";

/** How a flight recorder ended. */
export interface FlightResult {
  readonly reason: FlightStopReason;
  readonly stats: FlightStats;
}

/** A running flight recorder. */
export interface FlightRecorder {
  /**
   * Triggers a capture, as a flow that passes the filters does. Has no effect once the recorder is stopping.
   *
   * @throws TypeError for a time that is not finite, and for a flow that is not a message.
   */
  trigger(cause?: FlightTrigger): void;
  /** Stops gracefully: packets that arrived before are still written to a running capture, and its file is complete. */
  stop(): void;
  /** Current counts; final once the recorder has ended. */
  readonly stats: FlightStats;
  /**
   * Resolves when the recorder was stopped or the source ended. Rejects with the error of the source or of the events,
   * or with the reason of the signal; what was triggered before is written. (An unhandled rejection does not end the
   * process.)
   */
  readonly stopped: Promise<FlightResult>;
}

/**
 * Keeps the latest packets of a source in memory, and writes those from before and after a trigger to a capture. It
 * starts immediately. A trigger extends a running capture if their windows overlap. The caller disposes of the source.
 *
 * A capture contains the packets whose times lie between `beforeMs` before the trigger and `afterMs` after the last
 * one, to the microsecond and inclusive, as far as the ring still holds them. It ends at the first packet that is later,
 * or if no packet arrives for a second after its end. A packet that a trigger of another scope adds late is written
 * after later ones.
 *
 * @example
 * ```ts
 * const recorder = createFlightRecorder(await openLibpcap("eth0"), {
 *   trigger: { allow: [{ verdict: ["DROPPED"], destinationPod: ["shop/cart"] }] },
 *   events: observe(client, { follow: true }),
 *   scope: "conversation",
 *   sink: fileSink("/var/captures", { fileFormat: "pcapng" }),
 * });
 * ```
 *
 * @throws OptionsError; FilterError with every fault of `trigger`; TypeError if `source` is not a packet source.
 */
export function createFlightRecorder(source: PacketSource, options: FlightOptions): FlightRecorder {
  checkArgument("createFlightRecorder", "source", source, aSource);
  checkOptions("createFlightRecorder", options, FLIGHT_OPTIONS);
  checkTrigger(options);
  return new FlightRun(source, options).start();
}
