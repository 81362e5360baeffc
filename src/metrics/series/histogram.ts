import type { Exemplar } from "./exemplar.js";
import { type MetricOptions, type Sample, SeriesMetric } from "./metric.js";
import type { Labels } from "./series-tree.js";

/** The upper bounds of the buckets in seconds: Prometheus's defaults, which Hubble uses. */
export const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const NO_LABELS: Labels = {};

interface HistogramSeries {
  readonly labels: Labels;
  /** How many values each bucket has got, without those of lower buckets; the last one is `+Inf`. */
  readonly counts: Float64Array;
  sum: number;
  count: number;
  /** By bucket. Created with the first exemplar. */
  exemplars: (Exemplar | undefined)[] | undefined;
}

/** A histogram of durations for each combination of label values. */
export class HistogramMetric extends SeriesMetric<HistogramSeries> {
  readonly type = "histogram";

  constructor(options: MetricOptions) {
    super(options, (labels) => ({
      labels,
      counts: new Float64Array(DURATION_BUCKETS.length + 1),
      sum: 0,
      count: 0,
      exemplars: undefined,
    }));
  }

  /** Adds a duration in seconds to the series of `values`. */
  observe(seconds: number, exemplar?: Exemplar): void {
    const series = this.current();
    if (series === undefined) return;
    const bucket = bucketOf(seconds);
    series.counts[bucket]!++;
    series.sum += seconds;
    series.count++;
    if (exemplar === undefined) return;
    series.exemplars ??= new Array(DURATION_BUCKETS.length + 1).fill(undefined);
    series.exemplars[bucket] = exemplar;
  }

  protected samplesOf({ labels, counts, sum, count, exemplars }: HistogramSeries): Sample[] {
    const bucketName = `${this.name}_bucket`;
    let cumulative = 0;
    const buckets = Array.from(counts, (inBucket, index): Sample => {
      cumulative += inBucket;
      return {
        value: cumulative,
        labels: { le: String(DURATION_BUCKETS[index] ?? "+Inf") },
        sharedLabels: labels,
        metricName: bucketName,
        exemplar: exemplars?.[index],
      };
    });
    return [
      ...buckets,
      { value: sum, labels: NO_LABELS, sharedLabels: labels, metricName: `${this.name}_sum` },
      { value: count, labels: NO_LABELS, sharedLabels: labels, metricName: `${this.name}_count` },
    ];
  }
}

function bucketOf(seconds: number): number {
  let index = 0;
  while (index < DURATION_BUCKETS.length && seconds > DURATION_BUCKETS[index]!) index++;
  return index;
}
