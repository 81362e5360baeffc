// FlowFilter predicates over the 10,000 flows of the corpus, beside what Hubble's own filters take in Go.
import { fromBinary } from "@bufbuild/protobuf";
import { compileFlowFilters, type FlowFilterInit } from "../../dist/filter/index.js";
import { decodeFlow, type Flow, FlowSchema } from "../../dist/proto.js";
import { benchmarkFilters, encodedFlows, GO_FIGURES, GO_UNMARSHAL_NS, type NamedFilters } from "./corpus.js";
import { alternate, type Figures, formatFigures, summarise } from "./measure.js";
import { count, repeat } from "./repeat.js";
import { createRandom } from "./synthetic-capture.js";

const ROUNDS = 5;
/** What V8 needs to compile a predicate, and what smooths the machine: Go's figures come from a second each. */
const WARM_UP_MS = 200;
const ROUND_MS = 30;
/** What the filters want of their figures, over Go's. */
const LIMITS = { geometricMean: 0.8, label: 0.4, worst: 4 } as const;
const LABEL_FILTERS = ["source_label equality", "source_label set + not", "node_name pattern", "node_labels"];

export function run(): void {
  const encoded = encodedFlows();
  // Those with CEL expressions have a benchmark of their own.
  const filters = benchmarkFilters().filter(
    ({ name, allow, deny }) =>
      GO_FIGURES[name] !== undefined && !JSON.stringify([allow, deny]).includes("cel_expression"),
  );
  // One corpus at a time, and before all that leaves garbage: what a filter takes hangs on where the flows lie in memory.
  const flows = encoded.map(decodeFlow);
  const decoded = measureAll(filters, flows);
  const plain = measureAll(
    filters,
    encoded.map((bytes) => fromBinary(FlowSchema, bytes)),
  );
  console.log(
    "\nns per flow: of flows from decodeFlow, of flows from fromBinary, Go's, the ratio of the first to Go's",
  );
  const ratios = filters.map(({ name }, index) => {
    const go = GO_FIGURES[name]!;
    const own = decoded[index]!;
    const ratio = own.figures.median / go.ns;
    const fault = own.matched === go.matched ? "" : `  MATCHED ${own.matched} INSTEAD OF ${go.matched}`;
    console.log(
      `  ${name.padEnd(34)} ${formatNs(own.figures)} ${formatNs(plain[index]!.figures)} ` +
        `${go.ns.toFixed(1).padStart(8)} ${ratio.toFixed(2).padStart(6)}${fault}`,
    );
    return { name, ratio, plainRatio: plain[index]!.figures.median / go.ns };
  });
  const worst = ratios.reduce((a, b) => (a.ratio > b.ratio ? a : b));
  console.log(
    `  ${ratios.length} filters: geometric mean ${geometricMean(ratios.map(({ ratio }) => ratio)).toFixed(2)} ` +
      `(wanted ≤ ${LIMITS.geometricMean}), from fromBinary ${geometricMean(ratios.map((one) => one.plainRatio)).toFixed(2)}; ` +
      `worst ${worst.ratio.toFixed(2)}, ${worst.name} (wanted ≤ ${LIMITS.worst})`,
  );
  for (const { name, ratio } of ratios.filter((one) => LABEL_FILTERS.includes(one.name))) {
    console.log(`  ${name}: ${ratio.toFixed(2)} (wanted ≤ ${LIMITS.label})`);
  }
  manyValues(flows);
  manyFilters(flows);
  const decoding = alternate(ROUNDS, {
    decodeFlow: () => perFlow(encoded, () => encoded.map(decodeFlow)),
    fromBinary: () => perFlow(encoded, () => encoded.map((bytes) => fromBinary(FlowSchema, bytes))),
  });
  console.log(
    `\nthis machine in this run: decodeFlow ${formatFigures(decoding.decodeFlow, "ns")}, ` +
      `fromBinary ${formatFigures(decoding.fromBinary, "ns")} a flow (Go's proto.Unmarshal took ${GO_UNMARSHAL_NS})`,
  );
}

interface Measured {
  readonly matched: number;
  readonly figures: Figures;
}

/** The rounds of a filter follow each other, as those of a Go benchmark do: what it reads of the flows stays in the cache. */
function measureAll(filters: readonly NamedFilters[], flows: readonly Flow[]): Measured[] {
  return filters.map(({ allow, deny }) => {
    const predicate = compileFlowFilters({ allow: allow ?? [], deny: deny ?? [] });
    const { matched } = repeat(flows, predicate, WARM_UP_MS);
    const rounds = Array.from({ length: ROUNDS }, () => repeat(flows, predicate, ROUND_MS).ns);
    return { matched, figures: summarise(rounds) };
  });
}

/** Lists inside one field: 10 against 10,000 values. */
function manyValues(flows: readonly Flow[]): void {
  const random = createRandom(3);
  const address = () => `10.${random(256)}.${random(256)}.${random(256)}`;
  const of =
    (name: string, make: () => string, field: "sourceIp" | "destinationFqdn" | "nodeName") =>
    (size: number) => ({ name, filter: { [field]: Array.from({ length: size }, make) } as FlowFilterInit });
  console.log("\n10,000 values in a list against 10 (wanted ≤ 1.5 for addresses and prefixes)");
  for (const make of [
    of("source_ip, addresses", address, "sourceIp"),
    of("source_ip, prefixes", () => `${address()}/${20 + random(9)}`, "sourceIp"),
    of("destination_fqdn, names", () => `host-${random(1e9)}.example.com`, "destinationFqdn"),
    of("node_name, names", () => `cluster-a/node-${random(1e9)}`, "nodeName"),
  ]) {
    const few = compileFlowFilters({ allow: [make(10).filter] });
    const many = compileFlowFilters({ allow: [make(10_000).filter] });
    const figures = alternate(ROUNDS, {
      few: () => repeat(flows, few, ROUND_MS).ns,
      many: () => repeat(flows, many, ROUND_MS).ns,
    });
    console.log(
      `  ${make(1).name.padEnd(26)} ${formatFigures(figures.many, "ns")} against ${formatFigures(figures.few, "ns")}, ` +
        `ratio ${(figures.many.median / figures.few.median).toFixed(2)}`,
    );
  }
}

/** Many filters: as one predicate, against one predicate each. */
function manyFilters(flows: readonly Flow[]): void {
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
  console.log("\n1,000 allow filters as one predicate against one by one (wanted ≥ 15 times faster)");
  for (const [name, make] of Object.entries(kinds)) {
    const filters = Array.from({ length: 1000 }, (_, index) => make(index));
    const together = compileFlowFilters({ allow: filters });
    const single = filters.map((filter) => compileFlowFilters({ allow: [filter] }));
    const sample = flows.slice(0, 1000);
    const figures = alternate(ROUNDS, {
      together: () => repeat(flows, together, ROUND_MS).ns,
      oneByOne: () =>
        perFlow(sample, () => count(sample, (flow) => single.some((predicate) => predicate(flow)))),
    });
    console.log(
      `  ${name.padEnd(16)} ${formatFigures(figures.together, "ns")} against ${formatFigures(figures.oneByOne, "ns")}, ` +
        `${(figures.oneByOne.median / figures.together.median).toFixed(0)} times faster`,
    );
  }
}

function perFlow(flows: readonly unknown[], work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / flows.length;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function formatNs({ median }: Figures): string {
  return median.toFixed(0).padStart(7);
}
