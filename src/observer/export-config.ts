import type { Issue } from "../errors.js";
import { checkFlowFilters, type FlowFilterOptions } from "../filter/compile.js";
import type { FlowFilterInit } from "../filter/filter-init.js";
import { checkFieldMask } from "./field-mask.js";

/** One export of Hubble's dynamic exporter: an element of `flowLogs` in its configuration file, parsed. */
export interface FlowLogConfig {
  readonly name: string;
  readonly filePath: string;
  readonly fieldMask?: readonly string[];
  readonly includeFilters?: readonly FlowFilterInit[];
  readonly excludeFilters?: readonly FlowFilterInit[];
  /** A time of RFC 3339 (or what a YAML parser made of it), from which on nothing is exported. */
  readonly end?: string | Date;
  readonly fileMaxSizeMb?: number;
  readonly fileMaxBackups?: number;
  readonly fileCompress?: boolean;
}

/**
 * Every fault of a configuration of Hubble's dynamic exporter, in Hubble's words where it has some: missing or duplicate
 * names and paths, filters and field masks that do not compile, an end that is no time. None when it is good.
 */
export function checkFlowLogs(
  flowLogs: readonly FlowLogConfig[],
  options: FlowFilterOptions = {},
): readonly Issue[] {
  const issues: Issue[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [
    index,
    { name, filePath, fieldMask = [], includeFilters, excludeFilters, end },
  ] of flowLogs.entries()) {
    const at = `flowLogs[${index}]`;
    const report = (path: string, message: string) => issues.push({ path: `${at}.${path}`, message });
    if (!name) report("name", "name is required");
    else if (names.has(name)) report("name", `duplicated flowlog name ${name}`);
    if (!filePath) report("filePath", "filePath is required");
    else if (paths.has(filePath)) report("filePath", `duplicated flowlog path ${filePath}`);
    names.add(name);
    paths.add(filePath);
    for (const { path, message } of checkFieldMask(fieldMask)) {
      report(path.replace("field_mask", "fieldMask"), message);
    }
    const lists = { allow: includeFilters ?? [], deny: excludeFilters ?? [] };
    for (const { path, message } of checkFlowFilters(lists, options)) {
      report(path.replace(/^allow/, "includeFilters").replace(/^deny/, "excludeFilters"), message);
    }
    if (end !== undefined && Number.isNaN(new Date(end).getTime())) report("end", "not a time");
  }
  return issues;
}
