import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import type { ReportIssue } from "../errors/value-checks.js";
import type {
  FileSinkConfiguration,
  FileSinkConfigurationJson,
  StartRecording,
  StartRecordingSchema,
} from "../gen/recorder/recorder_pb.js";
import { goQuote } from "../go/strconv/quote.js";
import { MessageIssues } from "../message/issues.js";
import { readMessage } from "../message/read.js";
import { ANY_INTEGER, type MessageType, messageOf, messageType, STRING } from "../message/type.js";
import {
  FILTER,
  type FilterFields,
  type PacketFilterInit,
  type PacketFilterInput,
  parseFilters,
} from "../packet/filter/check.js";
import { compilePacketFilter, type PacketPredicate } from "../packet/filter/filter.js";
import { MAX_CAPTURED_LENGTH } from "../packet/link-type.js";
import { STOP_CONDITION, type StopConditionInit, type StopConditionInput } from "./stop.js";

/** `recorder.StartRecording`, as a message or as an init object. */
export type StartRecordingInit = Omit<MessageInitShape<typeof StartRecordingSchema>, "include"> & {
  readonly include?: readonly PacketFilterInit[];
};

/** {@link StartRecordingInit}, or parsed protobuf JSON; the two forms may be mixed. */
export type StartRecordingInput = Omit<StartRecordingInit, "filesink" | "include" | "stopCondition"> & {
  readonly filesink?: StartRecordingInit["filesink"] | FileSinkConfigurationJson | undefined;
  readonly include?: readonly PacketFilterInput[] | undefined;
  readonly stopCondition?: StopConditionInput | undefined;
};

/** A valid recording request. */
export interface RecordingPlan {
  readonly filePrefix: string;
  readonly wanted: PacketPredicate;
  /** Maximum captured bytes per packet; 0 for all. */
  readonly maxCaptureLength: number;
  readonly stopCondition: StopConditionInit;
}

/** The request, without its descriptor, which would load protobuf-es. */
const START: MessageType = messageType<StartRecording>("StartRecording", {
  filesink: messageOf(messageType<FileSinkConfiguration>("FileSinkConfiguration", { filePrefix: STRING })),
  include: { listOf: messageOf(FILTER) },
  // Any integer: the range is checked after reading.
  maxCaptureLength: ANY_INTEGER,
  stopCondition: messageOf(STOP_CONDITION),
});

/** The fields of a request that was read as {@link START}. */
interface StartFields {
  readonly filesink?: { readonly filePrefix?: string };
  readonly include?: readonly FilterFields[];
  readonly maxCaptureLength?: number;
  readonly stopCondition?: StopConditionInit;
}

const DEFAULT_PREFIX = "hubble";
const PREFIX = /^[a-z][a-z0-9]{0,19}$/;

/**
 * Returns the issues of a recording request, in the order and with the texts of Cilium v1.16.2; empty if `record`
 * accepts it. In addition, it rejects a `max_capture_length` above 262,144 (upstream truncates it to 16 bits for the
 * datapath), unknown fields and values of the wrong type.
 */
export function checkStartRecording(start: StartRecordingInput): readonly Issue[] {
  return readStart(start).issues;
}

function readStart(start: StartRecordingInput): { fields: StartFields; issues: readonly Issue[] } {
  const issues = new MessageIssues();
  const report: ReportIssue = (path, message) => issues.report(path, message);
  // Every field has the type of its row in the table.
  const fields = readMessage(START, start, "", {
    report: (path, message) => issues.reportUnreadable(path, message),
  }) as StartFields;
  const { filesink: { filePrefix = "" } = {}, include = [], maxCaptureLength = 0 } = fields;
  if (filePrefix !== "" && !PREFIX.test(filePrefix)) {
    report("filesink.file_prefix", `invalid file sink prefix: ${goQuote(filePrefix)}`);
  }
  parseFilters(include, report);
  if (maxCaptureLength < 0 || maxCaptureLength > MAX_CAPTURED_LENGTH) {
    report(
      "max_capture_length",
      `max capture length ${maxCaptureLength} out of range (at most ${MAX_CAPTURED_LENGTH}, 0 for all)`,
    );
  }
  return { fields, issues: issues.issues };
}

/** @throws ConfigurationError `invalid_recording` with every issue. */
export function planRecording(start: StartRecordingInput): RecordingPlan {
  const { fields, issues } = readStart(start);
  if (issues.length > 0) throw new ConfigurationError("invalid_recording", issues);
  const { filesink, include = [], maxCaptureLength = 0, stopCondition = {} } = fields;
  return {
    filePrefix: filesink?.filePrefix || DEFAULT_PREFIX,
    wanted: compilePacketFilter(include),
    maxCaptureLength,
    stopCondition,
  };
}
