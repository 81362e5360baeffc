import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import type { StartRecordingSchema } from "../gen/recorder/recorder_pb.js";
import { goQuote } from "../go/quote.js";
import { checkFields, checkNumber, checkText, type ReportField } from "../message/check-init.js";
import { compilePacketFilter, type PacketPredicate } from "../packet/filter.js";
import { checkPacketFilter, type PacketFilterInit } from "../packet/filter-check.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import type { StopConditionInit } from "./stop.js";
import { checkStopCondition } from "./stop-check.js";

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

const START_FIELDS = ["filesink", "include", "maxCaptureLength", "stopCondition"];
const FILESINK_FIELDS = ["filePrefix"];

const DEFAULT_PREFIX = "hubble";
const PREFIX = /^[a-z][a-z0-9]{0,19}$/;

/**
 * The faults of a request to record, in the order and the words of Cilium v1.16.2; none when `record` takes it. In
 * addition a `max_capture_length` above 262,144 is refused, where upstream cuts it to 16 bits for the datapath; and for
 * callers without types, unknown fields and values of another type.
 */
export function checkStartRecording(start: StartRecordingInit): readonly Issue[] {
  const issues: Issue[] = [];
  const report: ReportField = (path, message) => {
    issues.push({ path, message });
  };
  if (!checkFields(start, "StartRecording", START_FIELDS, report)) return issues;
  const { filesink, include = [], maxCaptureLength = 0, stopCondition } = start;
  if (filesink !== undefined) checkFilesink(filesink, below("filesink", report));
  for (const issue of checkPacketFilter(include)) issues.push(issue);
  checkCaptureLength(maxCaptureLength, report);
  if (stopCondition !== undefined) checkStopCondition(stopCondition, below("stop_condition", report));
  return issues;
}

function checkFilesink(filesink: NonNullable<StartRecordingInit["filesink"]>, report: ReportField): void {
  if (!checkFields(filesink, "FileSinkConfiguration", FILESINK_FIELDS, report)) return;
  const { filePrefix = "" } = filesink;
  if (!checkText("file_prefix", filePrefix, report)) return;
  if (filePrefix !== "" && !PREFIX.test(filePrefix)) {
    report("file_prefix", `invalid file sink prefix: ${goQuote(filePrefix)}`);
  }
}

function checkCaptureLength(length: number, report: ReportField): void {
  if (!checkNumber("max_capture_length", length, report)) return;
  if (!Number.isInteger(length) || length < 0 || length > MAX_CAPTURED_LENGTH) {
    report(
      "max_capture_length",
      `max capture length ${length} out of range (at most ${MAX_CAPTURED_LENGTH}, 0 for all)`,
    );
  }
}

/** Reports the faults of a message within another. */
function below(path: string, report: ReportField): ReportField {
  return (field, message) => report(field === "" ? path : `${path}.${field}`, message);
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
