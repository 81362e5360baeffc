import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import { describeValue } from "../../errors/describe-value.js";
import {
  aListOf,
  anObject,
  aString,
  isObject,
  type ReportIssue,
  required,
} from "../../errors/value-checks.js";
import type { FlowFilterInit } from "../../filter/filter-init.js";
import type { RawMetric, RawOption } from "./raw-config.js";

/** An option of a metric, such as `{ name: "sourceContext", values: ["workload-name", "reserved-identity"] }`. */
export interface HubbleMetricOption {
  /** Its name, in any case. */
  readonly name: string;
  /** Its values in order; absent or empty for an option without value. */
  readonly values?: readonly string[];
}

/** A metric of Hubble's dynamic configuration (`hubble-metrics-config`). */
export interface HubbleMetricConfig {
  /** The name of the metric, such as `httpV2`. */
  readonly name: string;
  readonly contextOptions?: readonly HubbleMetricOption[];
  /** Flows count if one of these matches; all if it is absent or empty. */
  readonly includeFilters?: readonly FlowFilterInit[];
  /** Flows that one of these matches do not count. */
  readonly excludeFilters?: readonly FlowFilterInit[];
}

/** The parsed file of Hubble's dynamic configuration. */
export interface HubbleMetricsFile {
  readonly metrics: readonly HubbleMetricConfig[];
}

const OPTION_FIELDS: OptionTable<HubbleMetricOption> = { name: required(aString), values: aListOf(aString) };

const METRIC_FIELDS: OptionTable<HubbleMetricConfig> = {
  name: required(aString),
  contextOptions: aListOf(anObject),
  // The compiler of filters checks the elements.
  includeFilters: aListOf(() => {}),
  excludeFilters: aListOf(() => {}),
};

const checkOption = optionsOf("a context option", OPTION_FIELDS);
const checkMetric = optionsOf("a metric", METRIC_FIELDS);

/**
 * Reads the output of a YAML or JSON parser: the whole file, or its list of metrics. As in Hubble, null counts as absent.
 * Reports values of the wrong type and unknown fields; checks no names of metrics and options.
 */
export function readObjects(config: unknown, report: ReportIssue): RawMetric[] {
  return listOf(config, report).flatMap((entry, index) => {
    const path = `metrics[${index}]`;
    const metric = withoutNulls(entry);
    if (!isValid(checkMetric, metric, path, report)) return [];
    // The check has found no fault.
    const {
      name,
      contextOptions = [],
      includeFilters = [],
      excludeFilters = [],
    } = metric as HubbleMetricConfig;
    return {
      name: { text: name, path: `${path}.name`, position: "" },
      options: contextOptions.flatMap((option, at) =>
        readOption(option, `${path}.contextOptions[${at}]`, report),
      ),
      path,
      includeFilters,
      excludeFilters,
    };
  });
}

function readOption(value: unknown, path: string, report: ReportIssue): RawOption[] {
  const option = withoutNulls(value);
  if (!isValid(checkOption, option, path, report)) return [];
  // The check has found no fault.
  const { name, values = [] } = option as HubbleMetricOption;
  return [
    {
      name: { text: name, path: `${path}.name`, position: "" },
      // An option without value has an empty one in Hubble's own form.
      values: values.flatMap((text, at) =>
        text === "" ? [] : { text, path: `${path}.values[${at}]`, position: "" },
      ),
    },
  ];
}

function listOf(config: unknown, report: ReportIssue): readonly unknown[] {
  // `from` also visits holes.
  if (Array.isArray(config)) return Array.from(config);
  if (!isObject(config)) {
    report(
      "metrics",
      `must be a text, a list, or an object with the list metrics, not ${describeValue(config)}`,
    );
    return [];
  }
  const { metrics = [], ...others } = withoutNulls(config) as Partial<HubbleMetricsFile>;
  for (const key of Object.keys(others))
    report(key, "is not a field of the configuration; it has metrics only");
  if (Array.isArray(metrics)) return Array.from(metrics);
  report("metrics", `must be a list, not ${describeValue(metrics)}`);
  return [];
}

function withoutNulls(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, content]) => content !== null));
}

function isValid(
  check: (value: unknown, path: string, report: ReportIssue) => void,
  value: unknown,
  path: string,
  report: ReportIssue,
): boolean {
  let isFaultless = true;
  check(value, path, (at, message) => {
    isFaultless = false;
    report(at, message);
  });
  return isFaultless;
}
