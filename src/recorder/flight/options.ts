import { aClock, type Clock } from "../../async/clock.js";
import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aFunction,
  aMessage,
  aNumberFrom,
  anInteger,
  anIterable,
  anObject,
  aSignal,
  oneOf,
  required,
  type ValueCheck,
  valueCheck,
} from "../../errors/value-checks.js";
import type { FlowFilterLists } from "../../filter/compile.js";
import type { FlowEnvelope, FlowEvent } from "../../filter/event.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "../../filter/filter-options.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { FLOW_OPTIONS, type FlowOptions } from "../../packet/flow/flow-options.js";
import type { OpenSink } from "../sink.js";
import type { FlightCapture, FlightTrigger } from "./flight-recorder.js";
import { FLIGHT_SCOPES, type FlightScope, MAX_RING_BYTES, MIN_RING_BYTES } from "./option-values.js";

/** Default of `beforeMs`. */
export const DEFAULT_BEFORE_MS = 10_000;
/** Default of `afterMs`. */
export const DEFAULT_AFTER_MS = 5000;
/** Default of `maxPerMinute`. */
export const DEFAULT_MAX_PER_MINUTE = 60;

/** What is kept, what triggers a capture, and where it is written. */
export interface FlightOptions {
  /** Opens the sink of each capture, such as `fileSink(folder)` of `flowscribe/sink/file`. */
  readonly sink: OpenSink;
  /**
   * The size of the ring in bytes, with 16 bytes for the header of each packet: 512 KiB to one byte less than 4 GiB. It is allocated at the
   * start, unless the source keeps that many bytes of packets itself, such as one of `openPacketSocket` with `keepBytes`. Default `DEFAULT_RING_BYTES`, 64 MiB.
   */
  readonly ringBytes?: number;
  /** The maximum age of packets in the ring, by their own times; unlimited by default. */
  readonly ringDurationMs?: number;
  /** The flows that trigger a capture: those that pass these filters. By default only the method `trigger` does. */
  readonly trigger?: FlowFilterLists;
  /**
   * The events that `trigger` selects from, such as those of `observe`. By default, every packet is decoded and its flow
   * is tested. Flows of Hubble have verdicts and names, which packets do not contain.
   */
  readonly events?: AsyncIterable<FlowEvent | FlowEnvelope>;
  /**
   * Whether packets and events advance together by their times, for captures and export files, which are read faster than
   * they were written: a packet is read when the events have come close to its time. Default false, for live packets.
   */
  readonly paced?: boolean;
  /** How long before the trigger a capture begins. Default 10 seconds. */
  readonly beforeMs?: number;
  /** How long after the last trigger a capture ends. Default 5 seconds. */
  readonly afterMs?: number;
  /** Which packets a capture contains. Default `all`. */
  readonly scope?: FlightScope;
  /**
   * The maximum difference between the clock of `events` and that of the packets. Captures that events trigger begin
   * earlier and end later by it. Default 0.
   */
  readonly skewMs?: number;
  /**
   * The maximum number of captures, and of further scopes in a running capture, that triggers may begin within any 60
   * seconds. Other triggers are counted as limited. Default 60.
   */
  readonly maxPerMinute?: number;
  /** How packets are decoded for `trigger`; with `tunnels`, scopes are about the inner packets. */
  readonly flow?: FlowOptions;
  /** How `trigger` is compiled. */
  readonly filter?: FlowFilterOptions;
  /**
   * Receives each capture when it has ended, also one that failed, but not one that `signal` aborts. Without it,
   * `stopped` rejects if a capture fails; with it, the recorder continues.
   */
  readonly onCapture?: (capture: FlightCapture) => void;
  /** Aborts the recorder: `stopped` rejects with the signal's reason. A file keeps the packets written so far. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export const FLIGHT_OPTIONS: OptionTable<FlightOptions> = {
  sink: required(aFunction),
  ringBytes: anInteger(MIN_RING_BYTES, MAX_RING_BYTES),
  ringDurationMs: aNumberFrom(0),
  trigger: anObject,
  events: anIterable,
  paced: aBoolean,
  beforeMs: aNumberFrom(0),
  afterMs: aNumberFrom(0),
  scope: oneOf(...FLIGHT_SCOPES),
  skewMs: aNumberFrom(0),
  maxPerMinute: anInteger(1),
  flow: optionsOf("flow", FLOW_OPTIONS),
  filter: optionsOf("filter", FLOW_FILTER_OPTIONS),
  onCapture: aFunction,
  signal: aSignal,
  clock: aClock,
};

/** The check for what the program reports. */
export const aTrigger: ValueCheck<FlightTrigger> = optionsOf<FlightTrigger>("trigger", {
  flow: aMessage<Flow>("flow.Flow"),
  timeMs: valueCheck("a finite number", Number.isFinite),
});
