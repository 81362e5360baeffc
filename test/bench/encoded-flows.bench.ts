// Verdicts on the 10,000 encoded flows of the corpus: predicate.bytes against fromBinary and the predicate.
import { fromBinary } from "@bufbuild/protobuf";
import { compileFlowFilters, type FlowFilterInit, type FlowPredicate } from "../../dist/filter/index.js";
import { decodeFlow, FlowSchema } from "../../dist/proto.js";
import { benchmarkFilters, encodedFlows, type NamedFilters } from "./corpus.js";
import { alternate, type Figures, formatFigures } from "./measure.js";

const ROUNDS = 5;
const WARM_UP_MS = 200;
const ROUND_MS = 40;
/** The most that each may take, as a part of what fromBinary and the predicate take. */
const LIMITS = {
  geometricMean: 1 / 25,
  worst: 1 / 12,
  cel: 1 / 12,
  five: 1 / 15,
  whole: 0.45,
  wholeAim: 0.27,
};
const FIVE = ["verdict", "source_ip CIDR v4+v6", "source_pod", "destination_port", "source_label equality"];

export function run(): void {
  const flows = encodedFlows();
  const filters = benchmarkFilters().filter(({ allow = [], deny = [] }) => allow.length + deny.length > 0);
  const isCel = ({ allow, deny }: NamedFilters) => JSON.stringify([allow, deny]).includes("cel_expression");
  console.log(
    `\nns per flow of ${flows.length}, median and spread of ${ROUNDS} rounds: bytes(), fromBinary and the predicate, ` +
      "the first as a part of the second",
  );
  const plain = filters.filter((one) => !isCel(one)).map((one) => compare(flows, one));
  const worst = plain.reduce((a, b) => (a.ratio > b.ratio ? a : b));
  console.log(
    `  ${plain.length} filters: geometric mean ${formatPart(geometricMean(plain.map(({ ratio }) => ratio)))} ` +
      `(wanted ≤ ${formatPart(LIMITS.geometricMean)}); worst ${formatPart(worst.ratio)}, ${worst.name} ` +
      `(wanted ≤ ${formatPart(LIMITS.worst)})`,
  );
  for (const filter of filters.filter(isCel)) {
    const { name, ratio } = compare(flows, filter);
    console.log(`  ${name}: ${formatPart(ratio)} (wanted ≤ ${formatPart(LIMITS.cel)})`);
  }
  const allow = FIVE.flatMap((name): readonly FlowFilterInit[] => {
    return filters.find((filter) => filter.name === name)?.allow ?? [];
  });
  const five = compare(flows, { name: "five filters in one list", allow });
  console.log(`  ${five.name}: ${formatPart(five.ratio)} (wanted ≤ ${formatPart(LIMITS.five)})`);
  decoding(flows);
}

/** Decoding everything. */
function decoding(flows: readonly Uint8Array[]): void {
  const figures = alternate(ROUNDS, {
    warmUp: () => time(flows, (bytes) => decodeFlow(bytes).reply, WARM_UP_MS).ns,
    decodeFlow: () => time(flows, (bytes) => decodeFlow(bytes).reply, ROUND_MS).ns,
    fromBinary: () => time(flows, (bytes) => fromBinary(FlowSchema, bytes).reply, ROUND_MS).ns,
  });
  const ratio = figures.decodeFlow.median / figures.fromBinary.median;
  console.log(
    `\ndecodeFlow ${formatFigures(figures.decodeFlow, "ns")}, fromBinary ${formatFigures(figures.fromBinary, "ns")} ` +
      `a flow, ratio ${ratio.toFixed(2)} (wanted ≤ ${LIMITS.whole}, better ${LIMITS.wholeAim})`,
  );
}

function compare(
  flows: readonly Uint8Array[],
  { name, allow = [], deny = [] }: NamedFilters,
): { readonly name: string; readonly ratio: number } {
  const predicate: FlowPredicate = compileFlowFilters({ allow, deny });
  const encoded = (bytes: Uint8Array) => predicate.bytes(bytes);
  const decoded = (bytes: Uint8Array) => predicate(fromBinary(FlowSchema, bytes));
  const first = time(flows, encoded, WARM_UP_MS);
  const second = time(flows, decoded, WARM_UP_MS);
  const figures = alternate(ROUNDS, {
    bytes: () => time(flows, encoded, ROUND_MS).ns,
    fromBinary: () => time(flows, decoded, ROUND_MS).ns,
  });
  const ratio = figures.bytes.median / figures.fromBinary.median;
  const fault =
    first.matched === second.matched ? "" : `  MATCHED ${first.matched} INSTEAD OF ${second.matched}`;
  console.log(
    `  ${name.padEnd(34)} ${pad(figures.bytes)} ${pad(figures.fromBinary)} ${formatPart(ratio).padStart(8)}${fault}`,
  );
  return { name, ratio };
}

/** Passes over the flows for some time, and the number of matches in one pass. */
function time(
  flows: readonly Uint8Array[],
  matches: (bytes: Uint8Array) => boolean,
  milliseconds: number,
): { readonly matched: number; readonly ns: number } {
  const start = performance.now();
  let elapsed: number;
  let matched: number;
  let passes = 0;
  do {
    matched = 0;
    for (let index = 0; index < flows.length; index++) if (matches(flows[index]!)) matched++;
    passes++;
    elapsed = performance.now() - start;
  } while (elapsed < milliseconds);
  return { matched, ns: (1e6 * elapsed) / (passes * flows.length) };
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function formatPart(ratio: number): string {
  return `1/${(1 / ratio).toFixed(1)}`;
}

function pad(figures: Figures): string {
  return formatFigures(figures, "ns").padStart(24);
}
