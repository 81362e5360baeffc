import { checkArgument } from "../../errors/check-argument.js";
import { fieldsOf } from "../../errors/check-options.js";
import { aNumber, anObject, required } from "../../errors/value-checks.js";
import type { CollectStats, OutputStats } from "./stats.js";

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
}

interface CollectorMetric extends Metric {
  readonly value: (stats: CollectStats, nowMs: number) => number | undefined;
}

const COLLECTOR: readonly CollectorMetric[] = [
  { ...counter("events_read", "Events that the source has delivered."), value: ({ read }) => read },
  { ...counter("events_filtered", "Events that the filters reject."), value: ({ filtered }) => filtered },
  {
    ...counter("events_acknowledged", "Events that are durable in every output that takes them."),
    value: ({ acknowledged }) => acknowledged,
  },
  {
    ...counter("events_undecodable", "Events that cannot be decoded."),
    value: ({ undecodable }) => undecodable,
  },
  { ...counter("hubble_events_lost", "Events that Hubble reports as lost."), value: ({ lost }) => lost },
  {
    ...counter("events_dead_letter", "Refused and undecodable events in the dead-letter sink."),
    value: ({ deadLetters }) => deadLetters,
  },
  {
    ...counter("events_dropped", "Refused and undecodable events that are nowhere."),
    value: ({ dropped }) => dropped,
  },
  { ...counter("checkpoints", "Checkpoints that were saved."), value: ({ checkpoints }) => checkpoints },
  {
    name: "flowscribe_collector_lag_seconds",
    type: "gauge",
    help: "How old the newest acknowledged event is.",
    value: ({ newest }, nowMs) => (newest === undefined ? undefined : nowMs / 1000 - Number(newest) / 1e9),
  },
];

const OUTPUT: readonly (Metric & { readonly value: (stats: OutputStats) => number })[] = [
  { ...counter("output_events_offered", "Events offered to an output."), value: ({ offered }) => offered },
  {
    ...counter("output_events_written", "Events that are durable in an output."),
    value: ({ written }) => written,
  },
  {
    ...counter("output_events_filtered", "Events that the filters of an output reject."),
    value: ({ filtered }) => filtered,
  },
  {
    ...counter("output_events_refused", "Events that an output refuses for good."),
    value: ({ refused }) => refused,
  },
  { ...counter("output_retries", "Failed writes of an output."), value: ({ retries }) => retries },
];

const someStats = fieldsOf<Pick<CollectStats, "read" | "outputs">>({
  read: required(aNumber),
  outputs: required(anObject),
});

function counter(name: string, help: string): Metric {
  return { name: `flowscribe_collector_${name}_total`, type: "counter", help };
}

/**
 * Formats the counts of a collector in the Prometheus text format.
 *
 * @param nowMs The time, in milliseconds since 1970, for the age of the newest event.
 * @example
 * response.end(formatCollectMetrics(collection.stats, Date.now()));
 */
export function formatCollectMetrics(stats: CollectStats, nowMs: number): string {
  checkArgument("formatCollectMetrics", "stats", stats, someStats);
  checkArgument("formatCollectMetrics", "nowMs", nowMs, aNumber);
  const own = COLLECTOR.map(({ value, ...metric }) => {
    const current = value(stats, nowMs);
    return format(metric, current === undefined ? [] : [`${metric.name} ${current}\n`]);
  });
  const outputs = Object.entries(stats.outputs);
  const byOutput = OUTPUT.map(({ value, ...metric }) =>
    format(
      metric,
      outputs.map(([name, output]) => `${metric.name}{output="${escapeLabel(name)}"} ${value(output)}\n`),
    ),
  );
  return [...own, ...byOutput].join("");
}

function format({ name, type, help }: Metric, lines: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
