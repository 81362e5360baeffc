import { create } from "@bufbuild/protobuf";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import { createFlowMetrics, type FlowMetrics, type FlowMetricsOptions } from "../../src/metrics/index.js";
import {
  AgentEventSchema,
  ExportEventSchema,
  type Flow,
  GetFlowsResponseSchema,
  LostEventSchema,
  LostEventSource,
} from "../../src/proto.js";
import { fakeClock, flow } from "../../src/testing/index.js";
import { linesOf } from "./support.js";

const WORLD = flow({ from: "shop/cart", to: "world" });

describe("observe", () => {
  test("counts flows and lost events, with and without envelopes, and nothing else", async () => {
    const metrics = createFlowMetrics({ metrics: "flow" });
    const lost = create(LostEventSchema, { source: LostEventSource.HUBBLE_RING_BUFFER, numEventsLost: 5n });
    for (const schema of [GetFlowsResponseSchema, ExportEventSchema]) {
      metrics.observe(create(schema, { responseTypes: { case: "flow", value: WORLD } }));
      metrics.observe(create(schema, { responseTypes: { case: "lostEvents", value: lost } }));
      metrics.observe(create(schema, {}));
    }
    metrics.observe(WORLD);
    metrics.observe(lost);
    metrics.observe(undefined);
    metrics.observe(create(AgentEventSchema));
    metrics.observe(create(LostEventSchema, { source: 9 as LostEventSource, numEventsLost: 1n }));
    expect(await linesOf(metrics, "hubble_flows_processed_total")).toEqual([expect.stringMatching(/ 3$/)]);
    expect(await linesOf(metrics, "hubble_lost_events_total")).toEqual([
      'hubble_lost_events_total{source="perf_event_ring_buffer"} 0',
      'hubble_lost_events_total{source="observer_events_queue"} 0',
      'hubble_lost_events_total{source="hubble_ring_buffer"} 15',
      'hubble_lost_events_total{source="9"} 1',
    ]);
  });

  test("counts events that are not valid messages, and does not throw", async () => {
    const metrics = createFlowMetrics({ metrics: "drop flow flows-to-world:sourceContext=pod" });
    metrics.observe({ $typeName: "flow.Flow", eventType: {}, l4: { protocol: {} }, destination: {} } as Flow);
    metrics.observe({ $typeName: "flow.LostEvent", source: 1, numEventsLost: Symbol() } as never);
    expect(await linesOf(metrics, "flowscribe_metrics_invalid_events_total")).toEqual([
      'flowscribe_metrics_invalid_events_total{type="flow"} 1',
      'flowscribe_metrics_invalid_events_total{type="lost_events"} 1',
    ]);
  });

  test.each([[null], [5], ["flow"], [{}], [{ $typeName: "flow.FlowFilter" }]])("rejects %j", (value) => {
    expect(() => createFlowMetrics({ metrics: "flow" }).observe(value as never)).toThrow(TypeError);
  });

  test("counts only what the filters of a metric pass", async () => {
    const metrics = createFlowMetrics({
      metrics: [
        { name: "flow", includeFilters: [{ sourcePod: ["shop/"] }], excludeFilters: [{ reply: [true] }] },
        { name: "port-distribution", excludeFilters: [{ sourcePod: ["shop/"] }] },
      ],
    });
    metrics.observe(flow({ from: "shop/cart", to: "shop/db", isReply: false }));
    metrics.observe(flow({ from: "shop/cart", to: "shop/db", isReply: true }));
    metrics.observe(flow({ from: "web/front", to: "shop/db", isReply: false }));
    expect(await linesOf(metrics, "hubble_flows_processed_total")).toEqual([expect.stringMatching(/ 1$/)]);
    expect(await linesOf(metrics, "hubble_port_distribution_total")).toEqual([expect.stringMatching(/ 1$/)]);
  });
});

describe("series", () => {
  test("beyond the limit of a metric, observations are counted instead", async () => {
    const metrics = createFlowMetrics({
      metrics: "port-distribution dns:query",
      maxSeriesPerMetric: 2,
    });
    for (const port of [1, 2, 3, 4, 1]) {
      metrics.observe(flow({ from: "a/b", to: `10.0.0.1:${port}`, isReply: false }));
    }
    expect(await linesOf(metrics, "hubble_port_distribution_total")).toEqual([
      'hubble_port_distribution_total{protocol="TCP",port="1"} 2',
      'hubble_port_distribution_total{protocol="TCP",port="2"} 1',
    ]);
    const dropped = "flowscribe_metrics_dropped_observations_total";
    expect(await linesOf(metrics, dropped)).toEqual([
      `${dropped}{metric="hubble_port_distribution_total"} 2`,
      `${dropped}{metric="hubble_dns_queries_total"} 0`,
      `${dropped}{metric="hubble_dns_responses_total"} 0`,
      `${dropped}{metric="hubble_dns_response_types_total"} 0`,
    ]);
  });

  test("hostile values are cut and escaped", async () => {
    const metrics = createFlowMetrics({ metrics: "dns:query" });
    for (const query of [
      'a"b\\c\nd\re',
      "\ud800x",
      "\u0000",
      "y".repeat(1_000_000),
      '"} 5\nup{x="',
    ] as const) {
      metrics.observe(flow({ from: "a/b", to: "c/d", dns: { query } }));
    }
    const text = await metrics.metricsText();
    expect(text.length).toBeLessThan(5000);
    expect(text).not.toMatch(/\p{Surrogate}/u);
    const lines = await linesOf(metrics, "hubble_dns_queries_total");
    const queries = lines.map((line) => /query="(.*)"\} 1$/s.exec(line)?.[1]);
    expect(queries.map((query) => query?.slice(0, 20))).toEqual([
      'a\\"b\\\\c\\nd\re',
      "\ufffdx",
      "\u0000",
      "yyyyyyyyyyyyyyyyyyyy",
      '\\"} 5\\nup{x=\\"',
    ]);
  });
});

describe("podDeleted", () => {
  const observed = (configuration: string, clock = fakeClock()) => {
    const metrics = createFlowMetrics({ metrics: configuration, clock });
    metrics.observe(flow({ from: "shop/cart", to: "shop/db", isReply: false }));
    metrics.observe(flow({ from: "web/cart", to: "shop/db", isReply: false }));
    return { metrics, clock };
  };
  const seriesOf = async (metrics: FlowMetrics) =>
    (await metrics.metricsText()).match(/^hubble_(?!lost).*(?= 1$)/gm) ?? [];

  test.each([
    ["flow:sourceContext=pod", 1],
    ["flow:sourceContext=ip|pod", 2],
    ["flow:sourceEgressContext=pod;sourceContext=pod;destinationContext=pod", 1],
    ["port-distribution:destinationContext=pod", 1],
    ["flow:labelsContext=source_namespace,source_pod", 1],
    ["flow:labelsContext=destination_ip,source_namespace,traffic_direction,source_pod;sourceContext=app", 1],
    ["flow:labelsContext=source_pod;sourceContext=namespace", 2],
    ["flow:sourceContext=pod-name;destinationContext=namespace", 1],
    ["flow:sourceContext=namespace", 2],
  ])("%s: after a minute, %i series are left", async (configuration, left) => {
    const { metrics, clock } = observed(configuration);
    const before = await seriesOf(metrics);
    metrics.podDeleted({ namespace: "shop", name: "cart" });
    clock.advance(59_999);
    expect(await seriesOf(metrics)).toEqual(before);
    clock.advance(1);
    const after = await seriesOf(metrics);
    expect(after.length).toBe(Math.min(left, before.length));
    for (const series of after) expect(before).toContain(series);
  });

  test("a series that comes back starts from 0", async () => {
    const { metrics, clock } = observed("flow:sourceContext=pod");
    metrics.podDeleted({ namespace: "shop", name: "cart" });
    clock.advance(60_000);
    metrics.observe(flow({ from: "shop/cart", to: "shop/db" }));
    expect((await seriesOf(metrics)).filter((series) => series.includes("shop/cart")).length).toBe(1);
  });

  test("a pod that is reported again keeps its time", async () => {
    const { metrics, clock } = observed("flow:sourceContext=pod");
    metrics.podDeleted({ namespace: "shop", name: "cart" });
    clock.advance(40_000);
    metrics.podDeleted({ namespace: "shop", name: "cart" });
    clock.advance(20_000);
    expect((await seriesOf(metrics)).length).toBe(1);
  });

  test("sets no timers", () => {
    const { metrics, clock } = observed("flow:sourceContext=pod");
    metrics.podDeleted({ namespace: "shop", name: "cart" });
    expect(clock.pending).toBe(0);
  });

  test("beyond 65,536 pods, the series of all that wait are removed at once", async () => {
    const { metrics } = observed("flow:sourceContext=pod");
    metrics.podDeleted({ namespace: "shop", name: "cart" });
    for (let index = 0; index < 65_536; index++) metrics.podDeleted({ namespace: "x", name: `${index}` });
    expect((await seriesOf(metrics)).filter((series) => series.includes("shop/cart"))).toEqual([]);
  });

  test.each([[undefined], ["shop/cart"], [{ namespace: "shop" }], [{ namespace: 1, name: "a" }]])(
    "rejects %j",
    (pod) => {
      expect(() => createFlowMetrics({ metrics: "" }).podDeleted(pod as never)).toThrow(/podDeleted: pod/);
    },
  );
});

describe("the registry", () => {
  test("of the caller keeps its own metrics; close removes ours", async () => {
    const registry = new Registry();
    const metrics = createFlowMetrics({ metrics: "drop", registry });
    expect(metrics.registry).toBe(registry);
    expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await registry.metrics()).toContain("# TYPE hubble_drop_total counter");
    metrics.close();
    metrics.close();
    metrics.observe(WORLD);
    expect((await registry.metrics()).trim()).toBe("");
    using again = createFlowMetrics({ metrics: "drop", registry });
    expect(await again.metricsText()).toContain("hubble_drop_total");
  });

  test("close leaves a metric that has the name by then", () => {
    const registry = new Registry();
    const first = createFlowMetrics({ metrics: "drop", registry });
    registry.clear();
    using _ = createFlowMetrics({ metrics: "drop", registry });
    first.close();
    expect(registry.getSingleMetric("hubble_drop_total")).toBeDefined();
  });

  test("resets and labels our metrics like its own", async () => {
    const registry = new Registry();
    const metrics = createFlowMetrics({ metrics: "flow", registry });
    metrics.observe(WORLD);
    registry.setDefaultLabels({ cluster: "a" });
    expect(await registry.getSingleMetricAsString("hubble_flows_processed_total")).toContain('cluster="a"');
    registry.resetMetrics();
    expect(await linesOf(metrics, "hubble_flows_processed_total")).toEqual([]);
    metrics.observe(WORLD);
    expect(await linesOf(metrics, "hubble_flows_processed_total")).toEqual([expect.stringMatching(/ 1$/)]);
  });

  test("that has a metric of ours is rejected, and stays as it is", () => {
    const registry = new Registry();
    using _ = createFlowMetrics({ metrics: "drop", registry });
    expect(() => createFlowMetrics({ metrics: "flow drop", registry })).toThrow(
      /^registry: already has hubble_drop_total; use another registry\nregistry: already has hubble_lost_events_total/,
    );
    expect(registry.getSingleMetric("hubble_flows_processed_total")).toBeUndefined();
  });
});

describe("OpenMetrics", () => {
  const traced = (traceId: string) =>
    flow({
      from: "a/b",
      to: "c/d",
      http: { code: 200, latencyMs: 30 },
      traceContext: { parent: { traceId } },
    });

  test("prints exemplars with the trace and its time", async () => {
    const metrics = createFlowMetrics({
      metrics: "httpV2:exemplars=true",
      openMetrics: true,
      clock: fakeClock(1_700_000_000_500),
    });
    metrics.observe(traced("abc"));
    const text = await metrics.metricsText();
    expect(metrics.contentType).toMatch(/^application\/openmetrics-text/);
    expect(text).toContain("# TYPE hubble_http_requests counter\n");
    expect(text).toMatch(/^hubble_http_requests_total\{.*\} 1 # \{traceID="abc"\} 1 1700000000\.5$/m);
    expect(text.match(/^.*# \{.*$/gm)?.[1]).toMatch(
      /le="0\.05".*\} 1 # \{traceID="abc"\} 0\.03 1700000000\.5$/,
    );
    expect(text.match(/# \{/g)).toHaveLength(2);
    expect(text.endsWith("# EOF\n")).toBe(true);
    // The registry has renamed the counters by now.
    expect(await metrics.metricsText()).toBe(text);
  });

  test.each([
    ["without a trace", "httpV2:exemplars=true", "", true],
    ["with a trace that is too long", "httpV2:exemplars=true", "x".repeat(122), true],
    ["without the option", "httpV2", "abc", true],
    ["with the option false", "http:exemplars=false", "abc", true],
    ["in the text format", "httpV2:exemplars=true", "abc", false],
  ])("prints no exemplars %s", async (_, configuration, traceId, openMetrics) => {
    const metrics = createFlowMetrics({ metrics: configuration, openMetrics });
    metrics.observe(traced(traceId));
    const text = await metrics.metricsText();
    expect(text).toContain("hubble_http_request");
    expect(text).not.toContain("# {");
  });
});

describe("createFlowMetrics: rejects", () => {
  test.each<[string, unknown, string]>([
    ["no metrics", {}, "metrics: is required"],
    ["faults of the configuration", { metrics: "tpc" }, 'tpc: "tpc" is not a metric; did you mean tcp?'],
    ["unknown options", { metrics: "", metric: "drop" }, "metric: not an option of createFlowMetrics"],
    [
      "a registry of another library",
      { metrics: "", registry: {} },
      "registry: must be a Registry of prom-client",
    ],
    ["no series", { metrics: "", maxSeriesPerMetric: 0 }, "maxSeriesPerMetric: must be an integer from 1"],
    [
      "a format for a registry that has one",
      { metrics: "", registry: new Registry(), openMetrics: true },
      "openMetrics: has no effect on the registry that is given",
    ],
  ])("%s", (_, options, message) => {
    const call = () => createFlowMetrics(options as FlowMetricsOptions);
    expect(call).toThrow(OptionsError);
    expect(call).toThrow(message);
  });
});
