import { TRACE_POINTS_OF } from "../hubble/monitor-events.js";
import type { HubbleRules } from "../hubble/rules.js";
import type { CheckedMetric } from "./config/check.js";
import { compileLabelContext, type LabelContext } from "./context/label-context.js";
import type { Handler, Position } from "./handlers/handler.js";
import { METRIC_TYPES } from "./handlers/metric-types.js";
import { CounterMetric } from "./series/counter.js";
import { HistogramMetric } from "./series/histogram.js";
import type { MetricOptions } from "./series/metric.js";

/** A metric with series, whatever its type. */
export type AnyMetric = CounterMetric | HistogramMetric;

/** What all metrics have in common. */
export interface MetricsContext {
  readonly maxSeries: number;
  readonly eventNames: HubbleRules["eventNames"];
  /** Whether exemplars can be printed. */
  readonly hasExemplars: boolean;
  readonly now: () => number;
  /** Called before the samples of a metric are read. */
  readonly beforeRead: () => void;
  /** Called for each observation without a place. */
  readonly onDropped: (metric: string) => void;
}

/** The counting of one metric of the configuration. */
export interface CreatedHandler extends Handler {
  readonly metrics: readonly AnyMetric[];
  /** Removes the series of pods, given as `namespace/name`. */
  readonly removePods: (pods: ReadonlySet<string>) => void;
}

/** Creates the counters and histograms of a metric of the configuration, and the function that fills them. */
export function createHandler(checked: CheckedMetric, context: MetricsContext): CreatedHandler {
  const labels = compileLabelContext(checked.contexts);
  const metrics: { readonly metric: AnyMetric; readonly at: number }[] = [];
  function add<M extends AnyMetric>(
    create: (options: MetricOptions) => M,
    name: string,
    help: string,
    own: readonly string[],
    position: Position,
  ): M {
    const metric = create({
      name,
      help,
      labelNames: position === "first" ? [...labels.names, ...own] : [...own, ...labels.names],
      maxSeries: context.maxSeries,
      beforeRead: context.beforeRead,
      onDropped: () => context.onDropped(name),
    });
    metrics.push({ metric, at: position === "first" ? 0 : own.length });
    return metric;
  }
  const handler = METRIC_TYPES[checked.name].create({
    labels,
    has: (option) => checked.set.has(option) && (option !== "exemplars" || context.hasExemplars),
    tracePoints: TRACE_POINTS_OF[context.eventNames],
    now: context.now,
    counter: (...parts) => add((options) => new CounterMetric(options), ...parts),
    histogram: (...parts) => add((options) => new HistogramMetric(options), ...parts),
  });
  return {
    ...withFilter(handler, checked),
    metrics: metrics.map(({ metric }) => metric),
    removePods: (pods) => {
      for (const { metric, at } of metrics) removePods(metric, labels, at, pods);
    },
  };
}

function withFilter({ reads, observe }: Handler, { filter }: CheckedMetric): Handler {
  if (filter === undefined) return { reads, observe };
  const { matches } = filter;
  return {
    reads: [...reads, ...filter.reads],
    observe: (flow) => {
      if (matches(flow)) observe(flow);
    },
  };
}

function removePods(
  metric: AnyMetric,
  { podsOf }: LabelContext,
  at: number,
  pods: ReadonlySet<string>,
): void {
  if (podsOf.length === 0) return;
  metric.removeWhere((values) => podsOf.some((podOf) => pods.has(String(podOf(values, at)))));
}
