import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import type { StartRecordingSchema } from "../gen/recorder/recorder_pb.js";
import { goQuote } from "../go/strconv/quote.js";
import { checkFields, checkNumber, checkText, type ReportField } from "../message/check-init.js";
import { checkPacketFilter, type PacketFilterInit } from "../packet/filter/check.js";
import { compilePacketFilter, type PacketPredicate } from "../packet/filter/filter.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import type { StopConditionInit } from "./stop.js";
import { checkStopCondition } from "./stop-check.js";

/** `recorder.StartRecording`, as a message or as an init object. */
export type StartRecordingInit = Omit<MessageInitShape<typeof StartRecordingSchema>, "include"> & {
  readonly include?: readonly PacketFilterInit[];
};

/** A valid recording request. */
export interface RecordingPlan {
  readonly filePrefix: string;
  readonly wanted: PacketPredicate;
  /** Maximum captured bytes per packet; 0 for all. */
  readonly maxCaptureLength: number;
  readonly stopCondition: StopConditionInit;
}

const START_FIELDS = ["filesink", "include", "maxCaptureLength", "stopCondition"];
const FILESINK_FIELDS = ["filePrefix"];

const DEFAULT_PREFIX = "hubble";
const PREFIX = /^[a-z][a-z0-9]{0,19}$/;

/**
 * Returns the faults of a recording request, in the order and with the texts of Cilium v1.16.2; empty if `record`
 * accepts it. In addition, it rejects a `max_capture_length` above 262,144 (upstream truncates it to 16 bits for the
 * datapath) and, for untyped callers, unknown fields and values of the wrong type.
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

/** Reports faults of a nested message under `path`. */
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
