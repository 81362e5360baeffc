import type { Exemplar } from "./exemplar.js";
import type { LabelValue } from "./label-values.js";
import { type Labels, SeriesTree } from "./series-tree.js";

/** One line of a metric, as prom-client's registry formats it. */
export interface Sample {
  readonly value: number;
  readonly labels: Labels;
  /** Further labels, whose text prom-client caches by this object. */
  readonly sharedLabels?: Labels;
  /** That of the metric if absent. */
  readonly metricName?: string;
  readonly exemplar?: Exemplar | undefined;
}

/** What prom-client's registry gets of a metric. */
export interface MetricSamples {
  readonly help: string;
  readonly name: string;
  readonly type: "counter" | "histogram";
  readonly values: readonly Sample[];
  /** How the workers of a cluster are combined. */
  readonly aggregator: "sum";
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly maxSeries: number;
  /** Called before the samples are read. */
  readonly beforeRead?: () => void;
  /** Called for each observation that has no series, because the metric has `maxSeries` others. */
  readonly onDropped?: () => void;
}

/**
 * A metric with its own series, which prom-client's registry prints: it calls `get`, `getForPromString` and `reset` of what is
 * registered, and changes `name` to print OpenMetrics. The counters of prom-client build and hash a string from all labels for
 * each increment, which takes longer than the rest of the work.
 */
export abstract class SeriesMetric<S> {
  abstract readonly type: "counter" | "histogram";
  name: string;
  readonly help: string;
  readonly aggregator = "sum";
  readonly labelNames: readonly string[];
  /** The label values of the next observation. The caller overwrites them each time. */
  readonly values: LabelValue[];
  protected readonly tree: SeriesTree<S>;
  readonly #beforeRead: () => void;
  readonly #onDropped: () => void;

  constructor(
    { name, help, labelNames, maxSeries, beforeRead, onDropped }: MetricOptions,
    create: (labels: Labels) => S,
  ) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.values = labelNames.map(() => "");
    this.tree = new SeriesTree({ labelNames, maxSeries, create });
    this.#beforeRead = beforeRead ?? (() => {});
    this.#onDropped = onDropped ?? (() => {});
  }

  /** The samples with all labels, for JSON. */
  async get(): Promise<MetricSamples> {
    const { values, ...metric } = await this.getForPromString();
    return {
      ...metric,
      values: values.map(({ sharedLabels, labels, ...rest }) => ({
        ...rest,
        labels: { ...labels, ...sharedLabels },
      })),
    };
  }

  /** The samples for the text format. */
  async getForPromString(): Promise<MetricSamples> {
    this.#beforeRead();
    const values = [...this.tree.series()].flatMap((series) => this.samplesOf(series));
    return { help: this.help, name: this.name, type: this.type, values, aggregator: this.aggregator };
  }

  /** Removes all series. */
  reset(): void {
    this.tree.clear();
  }

  /** Removes the series whose label values the predicate selects. */
  removeWhere(isRemoved: (values: readonly LabelValue[]) => boolean): void {
    this.tree.removeWhere(isRemoved);
  }

  /** The series of {@link values}; undefined, and counted, if there is no place for it. */
  protected current(): S | undefined {
    const series = this.tree.get(this.values);
    if (series === undefined) this.#onDropped();
    return series;
  }

  protected abstract samplesOf(series: S): Sample[];
}
