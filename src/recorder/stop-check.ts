import { describeValue } from "../errors/describe-value.js";
import { checkFields, type ReportField } from "../message/check-init.js";
import type { StopConditionInit } from "./stop.js";

const CONDITION_FIELDS = ["bytesCapturedCount", "packetsCapturedCount", "timeElapsed"];
const DURATION_FIELDS = ["seconds", "nanos"];

const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT32 = -(2n ** 31n);
const MAX_INT32 = 2n ** 31n - 1n;

/**
 * Reports the faults of a stop condition. Only untyped callers can cause them; without this check an invalid limit
 * could be ignored silently. Counts and seconds may also be plain numbers.
 */
export function checkStopCondition(condition: StopConditionInit, report: ReportField): void {
  if (!checkFields(condition, "StopCondition", CONDITION_FIELDS, report)) return;
  const { bytesCapturedCount = 0n, packetsCapturedCount = 0n, timeElapsed } = condition;
  checkInteger("bytes_captured_count", bytesCapturedCount, 0n, MAX_UINT64, report);
  checkInteger("packets_captured_count", packetsCapturedCount, 0n, MAX_UINT64, report);
  if (timeElapsed === undefined) return;
  checkDuration(timeElapsed, (field, message) => {
    report(`time_elapsed${field === "" ? "" : `.${field}`}`, message);
  });
}

function checkDuration(duration: NonNullable<StopConditionInit["timeElapsed"]>, report: ReportField): void {
  if (!checkFields(duration, "Duration", DURATION_FIELDS, report)) return;
  const { seconds = 0n, nanos = 0 } = duration;
  checkInteger("seconds", seconds, MIN_INT64, MAX_INT64, report);
  if (typeof nanos === "bigint") report("nanos", `not a number: ${describeValue(nanos)}`);
  else checkInteger("nanos", nanos, MIN_INT32, MAX_INT32, report);
}

function checkInteger(field: string, value: unknown, least: bigint, most: bigint, report: ReportField): void {
  if (typeof value !== "bigint" && !Number.isInteger(value)) {
    report(field, `not an integer: ${describeValue(value)}`);
  } else if ((value as bigint | number) < least || (value as bigint | number) > most) {
    report(field, `out of range: ${value}`);
  }
}
