// Aggregation of the 10,000 flows of the corpus, three times each, beside a field mask, the bytes of what it leaves, and a Map.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createFlowAggregator } from "../../dist/collect/index.js";
import { compileFieldMask, flowResponse } from "../../dist/observer/index.js";
import {
  AggregateSchema,
  decodeFlow,
  type Flow,
  FlowSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../dist/proto.js";
import { encodedFlows } from "./inputs/corpus.js";
import { alternate, geometricMean, packageVersion, ROUNDS } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  formatRatio,
  ratioOf,
  withRatioGoal,
} from "./report/result.js";

/** Goals: the time relative to the naive implementation. */
const LIMITS = { messages: 0.75, encoded: 0.25 } as const;
const WARM_UP_ROUNDS = 2;
const REPETITIONS = 3;

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  verdict: ["verdict"],
  "pods and port": ["source.pod_name", "destination.pod_name", "l4.TCP.destination_port"],
  "namespaces, workloads, verdict": [
    "source.namespace",
    "source.workloads",
    "destination.namespace",
    "destination.workloads",
    "verdict",
  ],
  "both endpoints as a whole": ["source", "destination"],
  "addresses and ports": ["IP.source", "IP.destination", "l4"],
};

export function run(): BenchmarkResult {
  const once = encodedFlows().map((bytes) => flowResponse(decodeFlow(bytes)));
  // Most of them differ in most fields. Traffic consists of few conversations of many flows.
  const messages = Array.from({ length: REPETITIONS }, () => once).flat();
  const encoded = messages.map((event) => toBinary(GetFlowsResponseSchema, event));
  const compare = (limit: number, own: Work, naive: Work): BenchmarkRow[] =>
    Object.entries(FIELDS).map(([name, fields]) => compareOne(name, fields, limit, own, naive));
  const decode = (bytes: Uint8Array) => fromBinary(GetFlowsResponseSchema, bytes);
  const encode = (event: GetFlowsResponse) => toBinary(GetFlowsResponseSchema, event);
  const itself = (event: GetFlowsResponse) => event;
  const decoded = compare(LIMITS.messages, aggregating(messages), naively(messages, itself, itself));
  const bytes = compare(LIMITS.encoded, aggregating(encoded), naively(encoded, decode, encode));
  const ratio = geometricMean(bytes.map((row) => ratioOf(row)!));
  const columns = ["createFlowAggregator", "field mask, toBinary and Map"];
  return {
    tables: [
      { title: "Aggregating messages", unit: "ns", columns, rows: decoded },
      { title: "Aggregating encoded events", unit: "ns", columns, rows: bytes },
    ],
    peers: { "protobuf-es": packageVersion("@bufbuild/protobuf") },
    gain: `Aggregating encoded flows takes ${formatRatio(ratio)} times the time of masks and encoded keys, as geometric mean.`,
  };
}

/** Aggregates all events by these fields and returns the number of groups. */
type Work = (fields: readonly string[]) => number;

function compareOne(
  name: string,
  fields: readonly string[],
  limit: number,
  own: Work,
  naive: Work,
): BenchmarkRow {
  const groups = own(fields);
  if (groups !== naive(fields)) throw new Error(`${name}: ${groups} groups instead of ${naive(fields)}`);
  for (let round = 0; round < WARM_UP_ROUNDS; round++) own(fields);
  const figures = alternate(ROUNDS, {
    own: () => time(() => own(fields)),
    naive: () => time(() => naive(fields)),
  });
  return withRatioGoal({ name: `${name} (${groups} groups)`, figures: [figures.own, figures.naive] }, limit);
}

/** Nanoseconds for each event. */
function time(work: () => void): number {
  const start = performance.now();
  work();
  return (1e6 * (performance.now() - start)) / (10_000 * REPETITIONS);
}

function aggregating(events: readonly (GetFlowsResponse | Uint8Array)[]): Work {
  return (fields) => {
    const aggregator = createFlowAggregator({ fields });
    for (const event of events) aggregator.add(event);
    return aggregator.flush().length;
  };
}

/** The same by hand: masks the flows, compares the bytes of the results, and writes what stands for a group. */
function naively<E>(
  events: readonly E[],
  decode: (event: E) => GetFlowsResponse,
  encode: (event: GetFlowsResponse) => unknown,
): Work {
  return (fields) => {
    const mask = compileFieldMask(fields);
    const groups = new Map<string, { readonly first: GetFlowsResponse; readonly counts: number[] }>();
    for (const event of events) {
      const response = decode(event);
      const key = Buffer.from(toBinary(FlowSchema, flowOf(mask(response)))).toString("latin1");
      let group = groups.get(key);
      if (group === undefined) {
        group = { first: response, counts: [0, 0, 0] };
        groups.set(key, group);
      }
      group.counts[flowOf(response).trafficDirection]!++;
    }
    for (const { first, counts } of groups.values()) {
      const [unknownDirectionFlowCount, ingressFlowCount, egressFlowCount] = counts;
      const aggregate = create(AggregateSchema, {
        unknownDirectionFlowCount: unknownDirectionFlowCount!,
        ingressFlowCount: ingressFlowCount!,
        egressFlowCount: egressFlowCount!,
      });
      const value = { ...flowOf(first), aggregate };
      encode({ ...first, responseTypes: { case: "flow", value } });
    }
    return groups.size;
  };
}

function flowOf({ responseTypes }: GetFlowsResponse): Flow {
  if (responseTypes.case !== "flow") throw new Error("the corpus has flows only");
  return responseTypes.value;
}
