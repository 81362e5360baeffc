export { type Clock, systemClock } from "../async/clock.js";
export { type FileNameParts, recordingFileName } from "./file-name.js";
export {
  createFlightRecorder,
  type FlightCapture,
  type FlightRecorder,
  type FlightResult,
  type FlightStopReason,
  type FlightTrigger,
} from "./flight/flight-recorder.js";
export { DEFAULT_RING_BYTES, FLIGHT_SCOPES, type FlightScope } from "./flight/option-values.js";
export type { FlightOptions } from "./flight/options.js";
export type { FlightCaptureReason } from "./flight/running-capture.js";
export type { FlightStats } from "./flight/stats.js";
export {
  createTriggeredSource,
  type TriggeredSource,
  type TriggeredSourceOptions,
} from "./flight/triggered-source.js";
export {
  DEFAULT_QUEUE_BYTES,
  type Recording,
  type RecordingResult,
  type RecordOptions,
  record,
  type StopReason,
} from "./recording.js";
export type { OpenRecordingSource, RecordContext, RecordingRequest, RpcPeer } from "./service/context.js";
export type { RecorderCounters } from "./service/counters.js";
export { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "./service/error.js";
export { DEFAULT_RECORDER_LIMITS, type RecorderLimits } from "./service/limits.js";
export {
  createRecorderService,
  DEFAULT_CHANGE_INTERVAL_MS,
  DEFAULT_RUNNING_INTERVAL_MS,
  type RecorderService,
  type RecorderServiceOptions,
} from "./service.js";
export type { OpenSink, PacketSink, SinkRequest, SinkResult, StorageAccount } from "./sink.js";
export { checkStartRecording, type StartRecordingInit, type StartRecordingInput } from "./start.js";
export type { RecordingStats } from "./stats.js";
export { type StopConditionInit, type StopConditionInput, type StopLimit, StopTracker } from "./stop.js";
