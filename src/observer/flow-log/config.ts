import { type OptionTable, optionIssues, optionsOf } from "../../errors/check-options.js";
import { describeValue } from "../../errors/describe-value.js";
import type { Issue } from "../../errors/errors.js";
import { issueOf } from "../../errors/issue.js";
import {
  aBoolean,
  anInteger,
  aString,
  checkedElsewhere,
  isDate,
  isObject,
  type ReportIssue,
  valueCheck,
} from "../../errors/value-checks.js";
import { checkFlowFilters } from "../../filter/compile.js";
import type { FlowFilterInit } from "../../filter/filter-init.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "../../filter/filter-options.js";
import { daysOf } from "../../go/time/calendar.js";
import { parseDuration } from "../../go/time/duration.js";
import { checkExportPaths } from "../field-mask.js";

/** An exporter of Hubble's dynamic export: a parsed element of `flowLogs` in its configuration file. */
export interface FlowLogConfig {
  readonly name: string;
  readonly filePath: string;
  readonly fieldMask?: readonly string[];
  readonly includeFilters?: readonly FlowFilterInit[];
  readonly excludeFilters?: readonly FlowFilterInit[];
  /** The time at which the export ends: an RFC 3339 string, or the Date that a YAML parser made of it. */
  readonly end?: string | Date;
  /** Size at which the file is rotated, in units of 2^20 bytes; 10 if it is absent or 0. */
  readonly fileMaxSizeMb?: number;
  /** Number of backups to keep; 5 if it is absent or 0, all if it is negative. */
  readonly fileMaxBackups?: number;
  /** Whether backups are compressed with gzip. */
  readonly fileCompress?: boolean;
  /** Since Hubble 1.19: paths of fields by which flows are aggregated; absent or empty for none. */
  readonly fieldAggregate?: readonly string[];
  /** Since Hubble 1.19: how often aggregated flows are written, as Go's duration (`30s`) or in nanoseconds. */
  readonly aggregationInterval?: string | number;
}

/** The parsed configuration file of Hubble's dynamic exporter. */
export interface FlowLogsFile {
  readonly flowLogs: readonly FlowLogConfig[];
}

const FILE_FIELDS = ["flowLogs"];

/** Fields marked `checkedElsewhere` have dedicated checks. */
const LOG_FIELDS: OptionTable<Partial<FlowLogConfig>> = {
  name: aString,
  filePath: aString,
  fieldMask: checkedElsewhere,
  includeFilters: checkedElsewhere,
  excludeFilters: checkedElsewhere,
  end: valueCheck("a time of RFC 3339, such as 2026-12-01T00:00:00Z", isTime),
  fileMaxSizeMb: anInteger(),
  fileMaxBackups: anInteger(),
  fileCompress: aBoolean,
  fieldAggregate: checkedElsewhere,
  aggregationInterval: valueCheck("a duration of at least 0, such as 30s, or nanoseconds", isInterval),
};

const checkFields = optionsOf("a flow log", LOG_FIELDS);

/**
 * Checks a configuration of Hubble's dynamic exporter and returns every issue, with Hubble's error text where it has
 * one: missing or duplicate names and paths, filters and field masks that do not compile, unknown fields, and values of
 * the wrong type. Empty if the configuration is valid. As in Hubble, field names are case-insensitive, and null counts
 * as absent.
 *
 * With `hubble`, filters are checked as that version does. `fieldAggregate` and `aggregationInterval` of Hubble 1.19 are
 * accepted with both.
 *
 * @param flowLogs The output of a YAML parser: the whole file, or its list.
 * @example
 *   checkFlowLogs({ flowLogs: [{ name: "all", filePath: "/var/run/all.log" }] }); // []
 */
export function checkFlowLogs(
  flowLogs: FlowLogsFile | readonly FlowLogConfig[],
  options: FlowFilterOptions = {},
): readonly Issue[] {
  const issues = optionIssues("checkFlowLogs", options, FLOW_FILTER_OPTIONS);
  if (issues.length > 0) return issues;
  const report: ReportIssue = (path, message) => issues.push(issueOf(path, message));
  const seen = { name: new Set<string>(), filePath: new Set<string>() };
  listOf(flowLogs, report).forEach((log, index) => {
    const path = `flowLogs[${index}]`;
    if (isObject(log)) checkLog(flowLogFields(log), path, seen, options, report);
    else report(path, `must be an object, not ${describeValue(log)}`);
  });
  return issues;
}

function listOf(flowLogs: unknown, report: ReportIssue): readonly unknown[] {
  if (Array.isArray(flowLogs)) return Array.from(flowLogs);
  if (!isObject(flowLogs)) {
    report("", `must be an object with the list flowLogs, not ${describeValue(flowLogs)}`);
    return [];
  }
  const file = toFields(flowLogs, FILE_FIELDS);
  for (const key of Object.keys(file)) {
    if (!FILE_FIELDS.includes(key)) report(key, "is not a field of the configuration; it has flowLogs only");
  }
  const { flowLogs: list = [] } = file;
  if (Array.isArray(list)) return Array.from(list);
  report("flowLogs", `must be a list, not ${describeValue(list)}`);
  return [];
}

/** Renames the fields of a flow log to the spelling of {@link FlowLogConfig} and omits those that are null. */
export function flowLogFields(log: object): Record<string, unknown> {
  return toFields(log, Object.keys(LOG_FIELDS));
}

/** Renames fields to the spelling used here and omits those that Go's `encoding/json` treats as unset. */
function toFields(value: object, known: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(value).filter(([, content]) => content !== null && content !== undefined);
  return Object.fromEntries(
    entries.map(([key, content]) => [
      known.find((name) => name.toLowerCase() === key.toLowerCase()) ?? key,
      content,
    ]),
  );
}

function checkLog(
  log: Record<string, unknown>,
  at: string,
  seen: { readonly name: Set<string>; readonly filePath: Set<string> },
  options: FlowFilterOptions,
  report: ReportIssue,
): void {
  checkFields(log, at, report);
  checkUnique("name", log.name, "flowlog name", at, seen.name, report);
  checkUnique("filePath", log.filePath, "flowlog path", at, seen.filePath, report);
  // The checks below accept any value.
  const { fieldMask, fieldAggregate, fileMaxSizeMb, includeFilters, excludeFilters } =
    log as Partial<FlowLogConfig>;
  if (typeof fileMaxSizeMb === "number" && fileMaxSizeMb < 0) {
    report(`${at}.fileMaxSizeMb`, `${fileMaxSizeMb} is negative`);
  }
  checkExportPaths(fieldMask ?? [], `${at}.fieldMask`, report);
  checkExportPaths(fieldAggregate ?? [], `${at}.fieldAggregate`, report);
  const lists = { allow: includeFilters ?? [], deny: excludeFilters ?? [] };
  for (const { path, message } of checkFlowFilters(lists, options)) {
    report(`${at}.${path.replace(/^allow/, "includeFilters").replace(/^deny/, "excludeFilters")}`, message);
  }
}

function checkUnique(
  field: "name" | "filePath",
  value: unknown,
  described: string,
  at: string,
  seen: Set<string>,
  report: ReportIssue,
): void {
  if (value === undefined || value === "") report(`${at}.${field}`, `${field} is required`);
  if (typeof value !== "string" || value === "") return;
  if (seen.has(value)) report(`${at}.${field}`, `duplicated ${described} ${value}`);
  seen.add(value);
}

function isInterval(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
  if (typeof value !== "string") return false;
  const duration = parseDuration(value);
  return "value" in duration && duration.value >= 0n;
}

/** Whether Go's `time.Time` would accept the value in JSON. YAML parsers may already have converted it to a Date. */
function isTime(value: unknown): boolean {
  if (isDate(value)) return !Number.isNaN(value.getTime());
  const match = typeof value === "string" ? RFC_3339.exec(value) : null;
  if (match === null) return false;
  const [, year, month, day] = match.map(Number);
  return month! >= 1 && month! <= 12 && day! >= 1 && day! <= daysOf(year!, month!);
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
