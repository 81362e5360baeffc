// FlowFilter predicates over the 10,000 flows of the corpus, beside what Hubble's own filters take in Go.
import { fromBinary } from "@bufbuild/protobuf";
import { compileFlowFilters, type FlowFilterInit } from "../../dist/filter/index.js";
import { decodeFlow, type Flow, FlowSchema } from "../../dist/proto.js";
import {
  benchmarkFilters,
  encodedFlows,
  GO_FIGURES,
  GO_PEERS,
  hasCel,
  type NamedFilters,
} from "./inputs/corpus.js";
import { createRandom } from "./inputs/synthetic-capture.js";
import { alternate, type Figures, geometricMean, ROUNDS, recorded, repeat, summarise } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkTable,
  formatRatio,
  ratioOf,
  withRatioGoal,
} from "./report/result.js";

/** What V8 needs to compile a predicate, and what smooths the machine: Go's figures come from a second each. */
const WARM_UP_MS = 200;
const ROUND_MS = 30;
/** Goals: the time of the filters relative to Go's, of long lists to short ones, of many filters to one by one. */
const LIMITS = { geometricMean: 0.8, label: 0.4, other: 4, longList: 1.5, manyFilters: 1 / 15 } as const;
const LABEL_FILTERS = ["source_label equality", "source_label set + not", "node_name pattern", "node_labels"];

export function run(): BenchmarkResult {
  const encoded = encodedFlows();
  const filters = benchmarkFilters().filter((one) => GO_FIGURES[one.name] !== undefined && !hasCel(one));
  // One corpus at a time, and before all that leaves garbage: the time of a filter depends on where the flows lie in memory.
  const flows = encoded.map(decodeFlow);
  const decoded = measureAll(filters, flows);
  const plain = measureAll(
    filters,
    encoded.map((bytes) => fromBinary(FlowSchema, bytes)),
  );
  const rows = filters.map(({ name }, index) => {
    const figures = [decoded[index], recorded(GO_FIGURES[name]!.ns), plain[index]];
    return withRatioGoal({ name, figures }, LABEL_FILTERS.includes(name) ? LIMITS.label : LIMITS.other);
  });
  const ratio = geometricMean(rows.map((row) => ratioOf(row)!));
  const mean = withRatioGoal({ name: "geometric mean", figures: [], ratio }, LIMITS.geometricMean);
  return {
    tables: [
      {
        title: "Filters on decoded flows",
        unit: "ns",
        columns: ["decodeFlow", "Hubble in Go (recorded)", "fromBinary"],
        rows: [...rows, mean],
      },
      manyValues(flows),
      manyFilters(flows),
      versions(filters, flows),
    ],
    peers: GO_PEERS,
    gain: `Flow filters take ${formatRatio(ratio)} times the time of Hubble's filters in Go, as geometric mean.`,
  };
}

/** The rounds of a filter follow each other, as those of a Go benchmark do: what it reads of the flows stays in the cache. */
function measureAll(filters: readonly NamedFilters[], flows: readonly Flow[]): Figures[] {
  return filters.map(({ name, allow, deny }) => {
    const predicate = compileFlowFilters({ allow: allow ?? [], deny: deny ?? [] });
    const { matched } = repeat(flows, predicate, WARM_UP_MS);
    const expected = GO_FIGURES[name]?.matched;
    if (matched !== expected) throw new Error(`${name}: ${matched} flows match instead of ${expected}`);
    return summarise(Array.from({ length: ROUNDS }, () => repeat(flows, predicate, ROUND_MS).ns));
  });
}

/** Lists inside one field: 10,000 values against 10. */
function manyValues(flows: readonly Flow[]): BenchmarkTable {
  const random = createRandom(3);
  const address = () => `10.${random(256)}.${random(256)}.${random(256)}`;
  const kinds = [
    ["source_ip, addresses", "sourceIp", address],
    ["source_ip, prefixes", "sourceIp", () => `${address()}/${20 + random(9)}`],
    ["destination_fqdn, names", "destinationFqdn", () => `host-${random(1e9)}.example.com`],
    ["node_name, names", "nodeName", () => `cluster-a/node-${random(1e9)}`],
  ] as const;
  const rows = kinds.map(([name, field, value]) => {
    const compile = (length: number) =>
      compileFlowFilters({ allow: [{ [field]: Array.from({ length }, value) }] });
    const [few, many] = [compile(10), compile(10_000)];
    const figures = alternate(ROUNDS, {
      few: () => repeat(flows, few, ROUND_MS).ns,
      many: () => repeat(flows, many, ROUND_MS).ns,
    });
    return withRatioGoal({ name, figures: [figures.many, figures.few] }, LIMITS.longList);
  });
  return { title: "Long lists in a field", unit: "ns", columns: ["10,000 values", "10 values"], rows };
}

/** Many filters: as one predicate, against one predicate each. */
function manyFilters(flows: readonly Flow[]): BenchmarkTable {
  const random = createRandom(4);
  const kinds: Readonly<Record<string, (index: number) => FlowFilterInit>> = {
    pods: (index) => ({ sourcePod: [`namespace-${index % 50}/pod-${random(1e6)}`] }),
    addresses: () => ({ sourceIp: [`10.0.${random(256)}.${random(256)}`] }),
    ports: () => ({ destinationPort: [String(1024 + random(60_000))] }),
    identities: () => ({ sourceIdentity: [random(1e6)] }),
    "all four, mixed": (index) =>
      [
        { sourcePod: [`namespace-${index % 50}/pod-${random(1e6)}`] },
        { sourceIp: [`10.0.${random(256)}.${random(256)}`] },
        { destinationPort: [String(1024 + random(60_000))] },
        { sourceIdentity: [random(1e6)] },
      ][index % 4]!,
  };
  const rows = Object.entries(kinds).map(([name, make]) => {
    const filters = Array.from({ length: 1000 }, (_, index) => make(index));
    const together = compileFlowFilters({ allow: filters });
    const single = filters.map((filter) => compileFlowFilters({ allow: [filter] }));
    const sample = flows.slice(0, 1000);
    const figures = alternate(ROUNDS, {
      together: () => repeat(flows, together, ROUND_MS).ns,
      oneByOne: () => repeat(sample, (flow) => single.some((predicate) => predicate(flow)), 0).ns,
    });
    return withRatioGoal({ name, figures: [figures.together, figures.oneByOne] }, LIMITS.manyFilters);
  });
  return { title: "1,000 allow filters", unit: "ns", columns: ["one predicate", "one by one"], rows };
}

/** Filters whose code depends on the version of Hubble. */
const VERSIONED_FILTERS = /_ip|label/;

/** The results of Hubble 1.19 against those of 1.16. */
function versions(filters: readonly NamedFilters[], flows: readonly Flow[]): BenchmarkTable {
  const rows = filters
    .filter(({ name }) => VERSIONED_FILTERS.test(name))
    .map(({ name, allow = [], deny = [] }) => {
      const older = compileFlowFilters({ allow, deny }, { hubble: "1.16" });
      const newer = compileFlowFilters({ allow, deny }, { hubble: "1.19" });
      for (const predicate of [older, newer]) repeat(flows, predicate, WARM_UP_MS);
      const figures = alternate(ROUNDS, {
        newer: () => repeat(flows, newer, ROUND_MS).ns,
        older: () => repeat(flows, older, ROUND_MS).ns,
      });
      return { name, figures: [figures.newer, figures.older] };
    });
  return { title: "Filters of Hubble 1.19 and 1.16", unit: "ns", columns: ["1.19", "1.16"], rows };
}
