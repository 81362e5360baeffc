// CEL expressions over the 10,000 flows of the corpus: our engine, those of npm, and what Hubble's filters take in Go.
import { fromBinary } from "@bufbuild/protobuf";
import { type CelEngine, compileFlowFilters, type FlowPredicate } from "../../dist/filter/index.js";
import { decodeFlow, type Flow, FlowSchema } from "../../dist/proto.js";
import { bufbuildEngine, celJsEngine, toPlainFlow } from "./cel-engines.js";
import { benchmarkFilters, encodedFlows, GO_FIGURES } from "./corpus.js";
import { alternate, type Figures, formatFigures } from "./measure.js";
import { count, repeat } from "./repeat.js";

const ROUNDS = 5;
/** Until V8 has compiled all that a predicate calls. */
const WARM_UP_MS = 400;
/** How long a round goes over the flows again. */
const ROUND_MS = 30;
/** Flows that fit a core's cache with all that an expression reads of them. */
const FEW = 500;
/** What our engine wants of its figures: over Go's, and of @bufbuild/cel's over ours. */
const LIMITS = { geometricMean: 1 / 6, worst: 1 / 4, bufbuild: 20 } as const;

export function run(): void {
  const filters = benchmarkFilters().filter(({ name }) => name.startsWith("CEL"));
  const predicates = filters.map(({ name, allow = [], deny = [] }) => {
    const compile = (cel?: CelEngine) => compileFlowFilters({ allow, deny }, cel && { cel });
    return { name, own: compile(), bufbuild: compile(bufbuildEngine), celJs: compile(celJsEngine) };
  });
  const encoded = encodedFlows();
  const decoded = encoded.map(decodeFlow);
  // The whole corpus before all that leaves garbage: what an expression takes hangs on where the flows lie in memory.
  const all = predicates.map(({ own, bufbuild }) => measure(decoded, { own, bufbuild }));
  const few = predicates.map(({ own, bufbuild, celJs }) =>
    measure(decoded.slice(0, FEW), { own, bufbuild, celJs }),
  );
  const plain = encoded.map((bytes) => fromBinary(FlowSchema, bytes));
  const fromPlain = predicates.map(({ own }) => measure(plain, { own }));

  console.log(
    `\nns per flow: all flows (ours, @bufbuild/cel, Go, ratio of the first to Go's, ours of flows from fromBinary), ` +
      `${FEW} flows in the cache (ours, @bufbuild/cel, cel-js)`,
  );
  const ratios = predicates.map(({ name }, index) => {
    const { own, bufbuild } = all[index]!.figures;
    const go = GO_FIGURES[name]!;
    const ratio = own.median / go.ns;
    const matched = [all[index]!.matched.own, all[index]!.matched.bufbuild, fromPlain[index]!.matched.own];
    const faults = matched.every((one) => one === go.matched) ? "" : `  MATCHED ${matched} NOT ${go.matched}`;
    const fewMatched = Object.values(few[index]!.matched);
    const differences = new Set(fewMatched).size === 1 ? "" : `  MATCHED ${fewMatched}`;
    console.log(
      `  ${name.padEnd(20)}${formatFigures(own, "ns").padStart(20)}${formatNs(bufbuild)}${go.ns.toFixed(0).padStart(8)}` +
        `${ratio.toFixed(3).padStart(8)}${formatNs(fromPlain[index]!.figures.own)}  |` +
        Object.values(few[index]!.figures).map(formatNs).join("") +
        faults +
        differences,
    );
    return ratio;
  });
  const times = (measured: typeof all) =>
    Math.min(...measured.map(({ figures }) => figures.bufbuild.median / figures.own.median)).toFixed(0);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(
    `  over Go's: geometric mean ${mean.toFixed(3)} (wanted ≤ ${LIMITS.geometricMean.toFixed(3)}), ` +
      `worst ${Math.max(...ratios).toFixed(3)} (wanted ≤ ${LIMITS.worst})\n` +
      `  @bufbuild/cel takes at least ${times(all)} times as long for all flows, ${times(few)} times for ${FEW} ` +
      `(wanted ≥ ${LIMITS.bufbuild})`,
  );
  const start = performance.now();
  for (const flow of decoded) toPlainFlow(flow);
  const converting = (1e6 * (performance.now() - start)) / decoded.length;
  console.log(
    `  making a flow ready for cel-js took ${converting.toFixed(0)} ns, which its figures leave out`,
  );
}

/** Predicates in turn, after a pass that is not timed, as the one before has driven the flows out of the cache. */
function measure<Name extends string>(
  flows: readonly Flow[],
  predicates: Readonly<Record<Name, FlowPredicate>>,
): { figures: Record<Name, Figures>; matched: Record<Name, number> } {
  const entries = Object.entries<FlowPredicate>(predicates);
  const matched = entries.map(([name, predicate]) => [name, repeat(flows, predicate, WARM_UP_MS).matched]);
  const works = entries.map(([name, predicate]) => [
    name,
    () => {
      count(flows, predicate);
      return repeat(flows, predicate, ROUND_MS).ns;
    },
  ]);
  return {
    figures: alternate(ROUNDS, Object.fromEntries(works) as Record<Name, () => number>),
    matched: Object.fromEntries(matched) as Record<Name, number>,
  };
}

function formatNs({ median }: Figures): string {
  return median.toFixed(0).padStart(8);
}
