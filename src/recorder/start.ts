import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConfigurationError, type Issue } from "../errors.js";
import type { StartRecordingSchema } from "../gen/recorder/recorder_pb.js";
import { goQuote } from "../go-quote.js";
import { compilePacketFilter, type PacketPredicate } from "../packet/filter.js";
import { checkPacketFilter, type PacketFilterInit } from "../packet/filter-check.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import type { StopConditionInit } from "./stop.js";

/** `recorder.StartRecording`, as a message or as an init object. */
export type StartRecordingInit = Omit<MessageInitShape<typeof StartRecordingSchema>, "include"> & {
  readonly include?: readonly PacketFilterInit[];
};

/** A request to record that has no faults. */
export interface RecordingPlan {
  readonly filePrefix: string;
  readonly wanted: PacketPredicate;
  /** Captured bytes to keep of a packet; 0 for all. */
  readonly maxCaptureLength: number;
  readonly stopCondition: StopConditionInit;
}

const DEFAULT_PREFIX = "hubble";
const PREFIX = /^[a-z][a-z0-9]{0,19}$/;

/**
 * The faults of a request to record, in the order and the words of Cilium v1.16.2; none when `record` takes it. In
 * addition a `max_capture_length` above 262,144 is refused, where upstream cuts it to 16 bits for the datapath.
 */
export function checkStartRecording(start: StartRecordingInit): readonly Issue[] {
  const { filesink, include = [], maxCaptureLength = 0 } = start;
  const issues: Issue[] = [];
  const prefix = filesink?.filePrefix ?? "";
  if (prefix !== "" && !PREFIX.test(prefix)) {
    issues.push({ path: "filesink.file_prefix", message: `invalid file sink prefix: ${goQuote(prefix)}` });
  }
  issues.push(...checkPacketFilter(include));
  if (!Number.isInteger(maxCaptureLength) || maxCaptureLength < 0 || maxCaptureLength > MAX_CAPTURED_LENGTH) {
    issues.push({
      path: "max_capture_length",
      message: `max capture length ${maxCaptureLength} out of range (at most ${MAX_CAPTURED_LENGTH}, 0 for all)`,
    });
  }
  return issues;
}

/** @throws ConfigurationError `invalid_recording` with every fault. */
export function planRecording(start: StartRecordingInit): RecordingPlan {
  const issues = checkStartRecording(start);
  if (issues.length > 0) throw new ConfigurationError("invalid_recording", issues);
  const { filesink, include = [], maxCaptureLength = 0, stopCondition = {} } = start;
  return {
    filePrefix: filesink?.filePrefix || DEFAULT_PREFIX,
    wanted: compilePacketFilter(include),
    maxCaptureLength,
    stopCondition,
  };
}
