import type { OpenMetricsContentType, PrometheusContentType, Registry } from "prom-client";
import { aClock, type Clock } from "../async/clock.js";
import type { OptionTable } from "../errors/check-options.js";
import { aBoolean, anInteger, checkedElsewhere, required, withMethods } from "../errors/value-checks.js";
import { aHubbleVersion, type HubbleVersion } from "../hubble/version.js";
import type { HubbleMetrics } from "./config/check.js";

/** Default of {@link FlowMetricsOptions.maxSeriesPerMetric}. */
export const DEFAULT_MAX_SERIES = 10_000;

/** A registry of prom-client, for either format. */
export type MetricsRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

/** The metrics, where they are registered, and their bounds. */
export interface FlowMetricsOptions {
  /** The metrics: a text like that of `--hubble-metrics`, or objects as `parseHubbleMetrics` accepts and returns them. */
  readonly metrics: HubbleMetrics;
  /** A registry of prom-client that has none of these metrics. A new one by default. */
  readonly registry?: MetricsRegistry;
  /** Whether the new registry prints OpenMetrics, which has exemplars. Not together with `registry`. Default false. */
  readonly openMetrics?: boolean;
  /**
   * Maximum number of series of each metric. Flows that would need another one are counted in
   * `flowscribe_metrics_dropped_observations_total`. Default {@link DEFAULT_MAX_SERIES}.
   */
  readonly maxSeriesPerMetric?: number;
  /** The version of Hubble whose rules apply to filters and to names of observation points. Default "1.16". */
  readonly hubble?: HubbleVersion;
  /** The source of the time of deleted pods and exemplars. The system clock by default. */
  readonly clock?: Clock;
}

const aRegistry = withMethods<MetricsRegistry>(
  "a Registry of prom-client",
  "registerMetric",
  "getSingleMetric",
  "removeSingleMetric",
  "metrics",
);

export const FLOW_METRICS_OPTIONS: OptionTable<FlowMetricsOptions> = {
  // The parser checks the content.
  metrics: required(checkedElsewhere),
  registry: aRegistry,
  openMetrics: aBoolean,
  maxSeriesPerMetric: anInteger(1),
  hubble: aHubbleVersion,
  clock: aClock,
};
