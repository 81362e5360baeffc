import type { Exemplar } from "./exemplar.js";
import { type MetricOptions, type Sample, SeriesMetric } from "./metric.js";
import type { Labels } from "./series-tree.js";

interface CounterSeries {
  readonly labels: Labels;
  value: number;
  exemplar: Exemplar | undefined;
}

const NO_LABELS: Labels = {};

/** A counter for each combination of label values. */
export class CounterMetric extends SeriesMetric<CounterSeries> {
  readonly type = "counter";

  constructor(options: MetricOptions) {
    super(options, (labels) => ({ labels, value: 0, exemplar: undefined }));
  }

  /** Adds to the series of `values`. */
  add(count: number, exemplar?: Exemplar): void {
    const series = this.current();
    if (series === undefined) return;
    series.value += count;
    if (exemplar !== undefined) series.exemplar = exemplar;
  }

  protected samplesOf({ labels, value, exemplar }: CounterSeries): Sample[] {
    return [{ value, labels: NO_LABELS, sharedLabels: labels, exemplar }];
  }
}
