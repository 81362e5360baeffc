export { type Clock, systemClock } from "./clock.js";
export { type FileNameParts, recordingFileName } from "./file-name.js";
export {
  DEFAULT_QUEUE_BYTES,
  type Recording,
  type RecordingResult,
  type RecordOptions,
  record,
  type StopReason,
} from "./recording.js";
export type { OpenSink, PacketSink, SinkRequest, SinkResult } from "./sink.js";
export { checkStartRecording, type StartRecordingInit } from "./start.js";
export type { RecordingStats } from "./stats.js";
export { type StopConditionInit, type StopLimit, StopTracker } from "./stop.js";
