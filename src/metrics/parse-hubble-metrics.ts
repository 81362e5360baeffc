import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { type Issue, OptionsError } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { aHubbleVersion, type HubbleVersion } from "../hubble/version.js";
import { checkMetrics, type HubbleMetrics } from "./config/check.js";
import type { HubbleMetricConfig } from "./config/read-objects.js";

/** The version of Hubble whose rules apply to filters. */
export interface ParseMetricsOptions {
  /** See `compileFlowFilters`. Default "1.16". */
  readonly hubble?: HubbleVersion;
}

const OPTIONS: OptionTable<ParseMetricsOptions> = { hubble: aHubbleVersion };

/**
 * Reads a configuration of metrics: the text of Hubble's `--hubble-metrics`, or the parsed file of its dynamic configuration.
 * The result has the form of that file, with the names in Hubble's spelling, and can be given to `createFlowMetrics`.
 *
 * Unlike Hubble, it rejects options that it does not know.
 *
 * @throws OptionsError with every fault: unknown names with a suggestion or all that are known, missing and superfluous values,
 * metrics and options that are given twice, `http` beside `httpV2`, filters that do not compile. Faults in a text have their
 * positions, in UTF-16 code units from 1.
 *
 * @example
 * parseHubbleMetrics("drop dns:query");
 * // [{ name: "drop" }, { name: "dns", contextOptions: [{ name: "query", values: [] }] }]
 */
export function parseHubbleMetrics(
  configuration: HubbleMetrics,
  options: ParseMetricsOptions = {},
): readonly HubbleMetricConfig[] {
  checkOptions("parseHubbleMetrics", options, OPTIONS);
  const issues: Issue[] = [];
  const metrics = checkMetrics(configuration, options.hubble, (path, message) => {
    issues.push(issueOf(path, message));
  });
  if (issues.length > 0) throw new OptionsError(issues);
  return metrics.map(({ config }) => config);
}
