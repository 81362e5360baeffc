import type { Flow } from "../../gen/flow/flow_pb.js";
import type { LabelContext } from "../context/label-context.js";
import type { CounterMetric } from "../series/counter.js";
import type { HistogramMetric } from "../series/histogram.js";

/** A metric's part of the configuration, and what it creates its series with. */
export interface HandlerContext {
  readonly labels: LabelContext;
  /** Whether an option without value, such as `query`, or with the value `true` is set. */
  readonly has: (option: string) => boolean;
  /** Observation points by the subtype of a trace event. */
  readonly tracePoints: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Creates a counter.
   *
   * @param own The names of the labels beside those of the context.
   * @param position Whether the labels of the context come first or last.
   */
  counter(name: string, help: string, own: readonly string[], position: Position): CounterMetric;
  histogram(name: string, help: string, own: readonly string[], position: Position): HistogramMetric;
}

/** Where the labels of the context are among those of a metric. */
export type Position = "first" | "last";

/** Counts the flows of one entry of the configuration. */
export interface Handler {
  /** The fields of a Flow that it reads, as proto field paths; a oneof of which only the case is read by its own name. */
  readonly reads: readonly string[];
  observe(flow: Flow): void;
}

/** A metric of the configuration, such as `dns`. */
export interface MetricType {
  /** The options beside those for contexts, and what they need: no value, or `true`. */
  readonly options: Readonly<Record<string, "no value" | "true">>;
  /** The metric with which it cannot be combined. */
  readonly conflictsWith?: string;
  create(context: HandlerContext): Handler;
}
