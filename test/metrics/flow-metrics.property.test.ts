import { create, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONTEXT_LABEL_NAMES } from "../../src/metrics/context/context-label.js";
import { CONTEXT_NAMES } from "../../src/metrics/context/context-value.js";
import { createFlowMetrics } from "../../src/metrics/index.js";
import { checkFieldMask } from "../../src/observer/index.js";
import { type Flow, FlowSchema, GetFlowsResponseSchema } from "../../src/proto.js";
import { runs } from "../support/amount.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";
import { expectNaiveTotals, totalsOf } from "./support.js";

/** Any flow, with values that the metrics distinguish more often than chance would have them. */
const flows: fc.Arbitrary<Flow> = fc
  .record({
    flow: arbitraryMessage(FlowSchema, { depth: 4 }),
    type: fc.option(fc.constantFrom(1, 3, 4, 5, 129, 7)),
    verdict: fc.option(fc.constantFrom(1, 2, 5)),
    direction: fc.option(fc.constantFrom(0, 1, 2)),
    l7Type: fc.option(fc.constantFrom(1, 2)),
    labels: fc.option(
      fc.subarray(["reserved:world", "reserved:kube-apiserver", "k8s:app=web", "k8s:k8s-app="]),
    ),
  })
  .map(({ flow, type, verdict, direction, l7Type, labels }) => {
    if (type !== null && flow.eventType !== undefined) flow.eventType.type = type;
    if (verdict !== null) flow.verdict = verdict;
    if (direction !== null) flow.trafficDirection = direction;
    if (l7Type !== null && flow.l7 !== undefined) flow.l7.type = l7Type;
    if (labels !== null && flow.destination !== undefined) flow.destination.labels = labels;
    return flow;
  });

const contexts = fc
  .array(fc.constantFrom(...CONTEXT_NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.join("|"));
const contextOptions = fc
  .record(
    {
      ...Object.fromEntries(
        ["source", "destination"].flatMap((side) =>
          ["", "Egress", "Ingress"].map((direction) => [`${side}${direction}Context`, contexts]),
        ),
      ),
      labelsContext: fc.subarray([...CONTEXT_LABEL_NAMES], { minLength: 1 }).map((names) => names.join(",")),
    },
    { requiredKeys: [] },
  )
  .map((options: Record<string, string | undefined>) =>
    Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)),
  );
const OWN_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  dns: ["query", "ignoreAAAA"],
  "flows-to-world": ["any-drop", "port", "syn-only"],
};
const METRICS = [
  "dns",
  "drop",
  "flow",
  "flows-to-world",
  "icmp",
  "kafka",
  "policy",
  "port-distribution",
  "tcp",
];

/** Any configuration. */
const configurations: fc.Arbitrary<string> = fc
  .tuple(fc.subarray(METRICS), fc.constantFrom("http", "httpV2"))
  .chain(([names, http]) =>
    fc.tuple(
      ...[...names, http].map((name) =>
        fc
          .tuple(contextOptions, fc.subarray([...(OWN_OPTIONS[name] ?? [])]))
          .map(([options, own]) => `${name}:${[...options, ...own].join(";")}`),
      ),
    ),
  )
  .map((entries) => entries.join(" "));

const property = (check: (text: string, list: Flow[]) => void | Promise<void>) =>
  fc.assert(
    fc.asyncProperty(configurations, fc.array(flows, { maxLength: 8 }), async (...args) => check(...args)),
    {
      numRuns: runs(1000),
    },
  );

describe("createFlowMetrics: for any flows and any configuration", () => {
  test("counts as the second implementation, and finds no event invalid", () =>
    property(async (text, list) => {
      const metrics = createFlowMetrics({ metrics: text });
      for (const one of list) metrics.observe(one);
      await expectNaiveTotals(metrics, text, list);
      const invalid = await metrics.registry.getSingleMetricAsString(
        "flowscribe_metrics_invalid_events_total",
      );
      expect(invalid).not.toMatch(/\} [^0]/);
    }));

  test("observeResponse counts as observe", () =>
    property(async (text, list) => {
      const [decoded, encoded] = [createFlowMetrics({ metrics: text }), createFlowMetrics({ metrics: text })];
      for (const value of list) {
        const response = create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value } });
        decoded.observe(response);
        encoded.observeResponse(toBinary(GetFlowsResponseSchema, response));
      }
      expect(await totalsOf(encoded)).toEqual(await totalsOf(decoded));
    }));

  test("flows without the fields that are not in reads count the same", () =>
    property(async (text, list) => {
      const [whole, parts] = [createFlowMetrics({ metrics: text }), createFlowMetrics({ metrics: text })];
      expect(checkFieldMask(whole.reads)).toEqual([]);
      for (const one of list) {
        whole.observe(one);
        parts.observe(onlyFields(one, whole.reads));
      }
      expect(await totalsOf(parts)).toEqual(await totalsOf(whole));
    }));
});

/** A flow with only these fields, as a server with a field mask would send it. */
function onlyFields(flow: Flow, paths: readonly string[]): Flow {
  // The names of the proto file are the paths.
  const json = toJson(FlowSchema, flow, { useProtoFieldName: true }) as JsonObject;
  const kept: JsonObject = {};
  for (const path of paths) copyField(json, kept, path.split("."));
  return fromJson(FlowSchema, kept);
}

function copyField(from: JsonObject, to: JsonObject, [name = "", ...rest]: readonly string[]): void {
  const value = from[name];
  if (value === undefined) return;
  if (rest.length === 0) {
    to[name] = value;
    return;
  }
  const next = (to[name] ?? {}) as JsonObject;
  to[name] = next;
  copyField(value as JsonObject, next, rest);
}
