import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { type Issue, OptionsError } from "../../errors/errors.js";
import { anObject } from "../../errors/value-checks.js";
import type { FlowFilterLists } from "../../filter/compile.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions, filterOptionsOf } from "../../filter/filter-options.js";
import { checkFlowLogs, type FlowLogConfig, flowLogFields } from "./config.js";

/** Options of `openExportFile` and `openExportStream`, of `flowscribe/sink/export`. */
export interface FlowLogExportOptions extends FlowFilterLists, FlowFilterOptions {
  readonly fieldMask?: readonly string[];
  readonly end?: Date;
  /** Like the two below, absent for standard output. */
  readonly maxFileBytes?: number;
  readonly maxBackups?: number;
  readonly compress?: boolean;
}

/** Where a flow log is written, and how. */
export interface FlowLogExport {
  /** The path for `openExportFile`; undefined for standard output, for which the file path is `stdout`. */
  readonly path: string | undefined;
  readonly options: FlowLogExportOptions;
}

/** Hubble's, which also apply to 0. */
const DEFAULT_MAX_SIZE_MB = 10;
const DEFAULT_MAX_BACKUPS = 5;
const BYTES_PER_MB = 2 ** 20;

/**
 * Converts an element of `flowLogs` to the options of an export sink: filters, field mask, end, and the rotation of the
 * file with Hubble's defaults. As in `checkFlowLogs`, field names are case-insensitive, and null counts as absent.
 *
 * @param log An element of the list that a YAML parser returned.
 * @param options The version of Hubble and the engines; they become part of the result.
 * @throws OptionsError with every issue of `checkFlowLogs`, and for `fieldAggregate`, because flows are not aggregated.
 * @example
 *   flowLogExport({ name: "all", filePath: "/var/run/all.log" }).options.maxFileBytes; // 10485760
 */
export function flowLogExport(log: FlowLogConfig, options: FlowFilterOptions = {}): FlowLogExport {
  checkArgument("flowLogExport", "log", log, anObject);
  checkOptions("flowLogExport", options, FLOW_FILTER_OPTIONS);
  const issues = issuesOf(log, options);
  if (issues.length > 0) throw new OptionsError(issues);

  // The check above has the types of these fields.
  const config = flowLogFields(log) as unknown as FlowLogConfig;
  const { filePath, includeFilters, excludeFilters, fieldMask, end } = config;
  const selection: FlowLogExportOptions = {
    ...filterOptionsOf(options),
    ...(includeFilters && { allow: includeFilters }),
    ...(excludeFilters && { deny: excludeFilters }),
    ...(fieldMask && { fieldMask }),
    ...(end !== undefined && { end: new Date(end) }),
  };
  if (filePath === "stdout") return { path: undefined, options: selection };
  return { path: filePath, options: { ...selection, ...rotationOf(config) } };
}

function issuesOf(log: FlowLogConfig, options: FlowFilterOptions): readonly Issue[] {
  const issues = checkFlowLogs([log], options);
  if (issues.length > 0) {
    return issues.map(({ path, message }) => ({ path: path.slice("flowLogs[0].".length), message }));
  }
  const { fieldAggregate = [] } = flowLogFields(log) as Partial<FlowLogConfig>;
  if (fieldAggregate.length === 0) return [];
  return [{ path: "fieldAggregate", message: "flows cannot be aggregated; remove it to export every flow" }];
}

function rotationOf({ fileMaxSizeMb, fileMaxBackups, fileCompress }: FlowLogConfig) {
  return {
    maxFileBytes: (fileMaxSizeMb || DEFAULT_MAX_SIZE_MB) * BYTES_PER_MB,
    // Hubble's library keeps all backups if the number is negative; here, 0 means all.
    maxBackups: Math.max(fileMaxBackups || DEFAULT_MAX_BACKUPS, 0),
    compress: fileCompress ?? false,
  };
}
