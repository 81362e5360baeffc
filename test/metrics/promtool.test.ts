import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { createFlowMetrics } from "../../src/metrics/index.js";
import { flow } from "../../src/testing/index.js";
import { eventOf, readVectors } from "../filter/recorded.js";
import { describeWithPrograms } from "../support/shared.js";

/** What promtool says about a text; empty if it has nothing to say. */
function check(text: string): string {
  const { stdout, stderr, status, error } = spawnSync("promtool", ["check", "metrics"], {
    input: text,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return status === 0 ? "" : `${status}: ${stdout}${stderr}`;
}

describeWithPrograms("promtool check metrics", ["promtool"], () => {
  test("accepts all metrics with all labels", async () => {
    const all =
      "sourceContext=pod|dns|ip;destinationContext=workload|ip;labelsContext=source_app,traffic_direction";
    const metrics = createFlowMetrics({
      metrics: `dns:query;${all} drop:${all} flow:${all} flows-to-world:port;${all} httpV2:${all} icmp:${all} kafka policy tcp port-distribution:${all}`,
    });
    for (const vector of readVectors("flow-filters")) metrics.observe(eventOf(vector));
    const text = await metrics.metricsText();
    expect(text).toContain("hubble_flows_processed_total{");
    expect(check(text)).toBe("");
  });

  test("accepts escaped values", async () => {
    const metrics = createFlowMetrics({ metrics: "dns:query" });
    for (const query of ['a"b\\c\nd\re', "\ud800x", "\u0000", "é", "y".repeat(1_000_000), '"} 5\nup{x="']) {
      metrics.observe(flow({ from: "a/b", to: "c/d", dns: { query } }));
    }
    expect(check(await metrics.metricsText())).toBe("");
  });

  test("rejects what is not valid, so that the tests above can fail", () => {
    expect(check('# HELP a_total x\n# TYPE a_total counter\na_total{b="c} 1\n')).not.toBe("");
  });
});
