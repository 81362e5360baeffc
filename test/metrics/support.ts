import { expect } from "vitest";
import type { FlowMetrics } from "../../src/metrics/index.js";
import type { Flow } from "../../src/proto.js";
import { naiveTotals, seriesText } from "./naive.js";

interface JsonSample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** The values of all series of Hubble's metrics, with their labels in alphabetical order. */
export async function totalsOf(metrics: FlowMetrics): Promise<Map<string, number>> {
  const all = await metrics.registry.getMetricsAsJSON();
  const totals = new Map<string, number>();
  for (const { name, values } of all) {
    if (!name.startsWith("hubble_") || name === "hubble_lost_events_total") continue;
    for (const { value, labels, metricName = name } of values as JsonSample[]) {
      const texts = Object.entries(labels).map(([label, text]) => [label, String(text)]);
      totals.set(seriesText(metricName, Object.fromEntries(texts)), value);
    }
  }
  return totals;
}

/** The lines of one metric in the text, without its comments. */
export async function linesOf(metrics: FlowMetrics, name: string): Promise<string[]> {
  const text = await metrics.metricsText();
  return text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

/** Compares the metrics of flows with those of the second implementation. Returns how many series there are. */
export async function expectNaiveTotals(
  metrics: FlowMetrics,
  text: string,
  flows: readonly Flow[],
): Promise<number> {
  const expected = naiveTotals(text, flows);
  const totals = await totalsOf(metrics);
  expect([...totals.keys()].sort()).toEqual([...expected.keys()].sort());
  // Sums of durations may be rounded otherwise.
  const others = [...expected].filter(([series, value]) => {
    const difference = Math.abs(totals.get(series)! - value);
    return difference > 1e-9 * Math.abs(value);
  });
  expect(others).toEqual([]);
  return expected.size;
}
