export type { HubbleMetrics } from "./config/check.js";
export type { HubbleMetricConfig, HubbleMetricOption, HubbleMetricsFile } from "./config/read-objects.js";
export { createFlowMetrics, type FlowMetrics, type PodName } from "./flow-metrics.js";
export { metricsHandler, type ServedMetrics } from "./metrics-handler.js";
export { DEFAULT_MAX_SERIES, type FlowMetricsOptions, type MetricsRegistry } from "./options.js";
export { type ParseMetricsOptions, parseHubbleMetrics } from "./parse-hubble-metrics.js";
