import { describeValue } from "../../errors/describe-value.js";
import type { ReportIssue } from "../../errors/value-checks.js";
import { combineTests, readsOf, type TestLists } from "../../filter/combine.js";
import { compileLists, toListed } from "../../filter/compile.js";
import type { FlowFilterInit } from "../../filter/filter-init.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import type { HubbleVersion } from "../../hubble/version.js";
import { METRIC_NAMES, METRIC_TYPES, type MetricName } from "../handlers/metric-types.js";
import { type CheckedOptions, checkMetricOptions, unknownName } from "./options.js";
import { parseText } from "./parse-text.js";
import type { RawMetric } from "./raw-config.js";
import { type HubbleMetricConfig, type HubbleMetricsFile, readObjects } from "./read-objects.js";

/** A configuration of metrics: a text like that of `--hubble-metrics`, or Hubble's dynamic configuration as objects. */
export type HubbleMetrics = string | HubbleMetricsFile | readonly HubbleMetricConfig[];

/** A checked metric of a configuration. */
export interface CheckedMetric extends Pick<CheckedOptions, "contexts" | "set"> {
  readonly name: MetricName;
  /** Undefined if all flows count. */
  readonly filter: CompiledFilter | undefined;
  readonly config: HubbleMetricConfig;
}

interface CompiledFilter {
  readonly matches: (flow: Flow) => boolean;
  readonly reads: readonly string[];
}

/** Reads a configuration in any form, and reports every fault. */
export function checkMetrics(
  given: unknown,
  hubble: HubbleVersion | undefined,
  report: ReportIssue,
): CheckedMetric[] {
  const entries = typeof given === "string" ? parseText(given) : readObjects(given, report);
  const names = new Map<string, RawMetric>();
  return entries.flatMap((entry) => {
    const { text, path, position } = entry.name;
    const name = METRIC_NAMES.find((one) => one === text);
    if (name === undefined) {
      const message = text.includes(",")
        ? `${describeValue(text)} is not a metric; metrics are separated by spaces${position}`
        : unknownName(entry.name, "a metric", METRIC_NAMES);
      report(path, message);
      return [];
    }
    if (names.has(name)) report(path, `${name} is given twice${position}`);
    const { conflictsWith } = METRIC_TYPES[name];
    if (conflictsWith !== undefined && names.has(conflictsWith)) {
      report(path, `${name} and ${conflictsWith} have the same series; remove one of them${position}`);
    }
    names.set(name, entry);
    return checkMetric(name, entry, hubble, report);
  });
}

function checkMetric(
  name: MetricName,
  { options, path, includeFilters, excludeFilters }: RawMetric,
  hubble: HubbleVersion | undefined,
  report: ReportIssue,
): CheckedMetric {
  const { contexts, set, normal } = checkMetricOptions(name, options, report);
  // Their compiler accepts any value.
  const lists = { allow: includeFilters as FlowFilterInit[], deny: excludeFilters as FlowFilterInit[] };
  return {
    name,
    contexts,
    set,
    filter: compileFilter(lists, path, hubble, report),
    config: {
      name,
      ...(normal.length > 0 && { contextOptions: normal }),
      ...(lists.allow.length > 0 && { includeFilters: lists.allow }),
      ...(lists.deny.length > 0 && { excludeFilters: lists.deny }),
    },
  };
}

function compileFilter(
  lists: { readonly allow: readonly FlowFilterInit[]; readonly deny: readonly FlowFilterInit[] },
  at: string,
  hubble: HubbleVersion | undefined,
  report: ReportIssue,
): CompiledFilter | undefined {
  if (lists.allow.length + lists.deny.length === 0) return undefined;
  const { allow, deny, issues } = compileLists(lists, hubble === undefined ? {} : { hubble });
  for (const { path, message } of issues) {
    report(`${at}.${path.replace(/^allow/, "includeFilters").replace(/^deny/, "excludeFilters")}`, message);
  }
  const tests: TestLists = { allow: allow.map(toListed), deny: deny.map(toListed) };
  return { matches: combineTests(tests).matches, reads: readsOf(tests) };
}
