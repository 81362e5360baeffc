// Hubble's metrics from the 10,000 flows of the corpus: createFlowMetrics against the same handlers with prom-client's own counters.
import { create, toBinary } from "@bufbuild/protobuf";
import { createFlowMetrics } from "../../dist/metrics/index.js";
import { decodeFlow, decodeGetFlowsResponse, type Flow, GetFlowsResponseSchema } from "../../dist/proto.js";
import { encodedFlows } from "./inputs/corpus.js";
import { createPromClientMetrics } from "./inputs/prom-client-metrics.js";
import { alternate, packageVersion, ROUNDS, repeat } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  formatRatio,
  ratioOf,
  withRatioGoal,
} from "./report/result.js";

const WARM_UP_MS = 500;
const ROUND_MS = 200;

const LABELS =
  "labelsContext=source_ip,source_namespace,source_workload,destination_ip,destination_namespace,destination_workload,traffic_direction";
/** The metrics that Cilium's documentation enables. */
const USUAL = ["dns", "drop", "tcp", "flow", "port-distribution", "icmp", `httpV2:${LABELS}`];

/** Goals: the usual set relative to prom-client's counters, and encoded responses relative to decoding them first. */
const LIMITS = { usual: 1 / 2, encoded: 0.7 };

export function run(): BenchmarkResult {
  const encoded = encodedFlows();
  const flows = encoded.map(decodeFlow);
  const hot = flows.slice(0, 500);
  const usual = USUAL.join(" ");
  const all = withRatioGoal(compare("the usual set", usual, flows), LIMITS.usual);
  const rows = [
    ...USUAL.map((text) => compare(text.replace(LABELS, "labelsContext=…"), text, flows)),
    all,
    withRatioGoal(compare("the usual set, 500 flows that fit into the cache", usual, hot), LIMITS.usual),
  ];
  return {
    tables: [
      {
        title: "Counting decoded flows",
        unit: "ns per flow",
        columns: ["createFlowMetrics", "prom-client"],
        rows,
      },
      {
        title: "Counting encoded responses",
        unit: "ns per flow",
        columns: ["observeResponse", "decodeGetFlowsResponse and observe"],
        rows: [withRatioGoal(compareEncoded(usual, encoded), LIMITS.encoded)],
      },
    ],
    peers: { "prom-client": packageVersion("prom-client") },
    gain: `Counting the usual metrics takes ${formatRatio(ratioOf(all)!)} times the time of prom-client's counters.`,
  };
}

/** Each counts the flows as often as it can. */
function compare(name: string, text: string, flows: readonly Flow[]): BenchmarkRow {
  const metrics = createFlowMetrics({ metrics: text });
  const naive = createPromClientMetrics(text);
  const [own, other] = [
    (flow: Flow) => {
      metrics.observe(flow);
      return true;
    },
    (flow: Flow) => {
      naive.observe(flow);
      return true;
    },
  ];
  repeat(flows, own, WARM_UP_MS);
  repeat(flows, other, WARM_UP_MS);
  const figures = alternate(ROUNDS, {
    own: () => repeat(flows, own, ROUND_MS).ns,
    other: () => repeat(flows, other, ROUND_MS).ns,
  });
  return { name, figures: [figures.own, figures.other] };
}

function compareEncoded(text: string, encoded: readonly Uint8Array[]): BenchmarkRow {
  const responses = encoded.map((flow) => {
    const value = decodeFlow(flow);
    return toBinary(
      GetFlowsResponseSchema,
      create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value } }),
    );
  });
  const [parts, whole] = [createFlowMetrics({ metrics: text }), createFlowMetrics({ metrics: text })];
  const own = (bytes: Uint8Array) => {
    parts.observeResponse(bytes);
    return true;
  };
  const other = (bytes: Uint8Array) => {
    whole.observe(decodeGetFlowsResponse(bytes));
    return true;
  };
  repeat(responses, own, WARM_UP_MS);
  repeat(responses, other, WARM_UP_MS);
  const figures = alternate(ROUNDS, {
    own: () => repeat(responses, own, ROUND_MS).ns,
    other: () => repeat(responses, other, ROUND_MS).ns,
  });
  return { name: "the usual set", figures: [figures.own, figures.other] };
}
