// CEL expressions over the 10,000 flows of the corpus: our engine, those of npm, and what Hubble's filters take in Go.
import { fromBinary } from "@bufbuild/protobuf";
import { type CelEngine, compileFlowFilters, type FlowPredicate } from "../../dist/filter/index.js";
import { decodeFlow, type Flow, FlowSchema } from "../../dist/proto.js";
import { bufbuildEngine, celJsEngine } from "./inputs/cel-engines.js";
import { benchmarkFilters, encodedFlows, GO_FIGURES, GO_PEERS, hasCel } from "./inputs/corpus.js";
import {
  alternate,
  count,
  type Figures,
  geometricMean,
  packageVersion,
  ROUNDS,
  recorded,
  repeat,
} from "./measure.js";
import { type BenchmarkResult, formatRatio, ratioOf, withRatioGoal } from "./report/result.js";

/** Until V8 has compiled all that a predicate calls. */
const WARM_UP_MS = 400;
/** How long a round passes over the flows. */
const ROUND_MS = 30;
/** Flows that fit a core's cache with all that an expression reads of them. */
const FEW = 500;
/** Goals: our time relative to Go's, as geometric mean and for each expression, and to @bufbuild/cel's. */
const LIMITS = { geometricMean: 1 / 6, expression: 1 / 4, bufbuild: 1 / 20 } as const;

export function run(): BenchmarkResult {
  const filters = benchmarkFilters().filter(hasCel);
  const predicates = filters.map(({ name, allow = [], deny = [] }) => {
    const compile = (cel?: CelEngine) => compileFlowFilters({ allow, deny }, cel && { cel });
    return { name, own: compile(), bufbuild: compile(bufbuildEngine), celJs: compile(celJsEngine) };
  });
  const encoded = encodedFlows();
  const decoded = encoded.map(decodeFlow);
  // The whole corpus before all that leaves garbage: the time of an expression depends on where the flows lie in memory.
  const all = predicates.map(({ name, own, bufbuild }) => {
    const matched = GO_FIGURES[name]!.matched;
    return measure(name, decoded, { own, bufbuild }, matched);
  });
  const few = predicates.map(({ name, own, bufbuild, celJs }) =>
    measure(name, decoded.slice(0, FEW), { own, bufbuild, celJs }),
  );
  const plain = encoded.map((bytes) => fromBinary(FlowSchema, bytes));
  const fromPlain = predicates.map(({ name, own }) => measure(name, plain, { own }));

  const besideGo = predicates.map(({ name }, index) => {
    const figures = [all[index]!.own, recorded(GO_FIGURES[name]!.ns), fromPlain[index]!.own];
    return withRatioGoal({ name, figures }, LIMITS.expression);
  });
  const ratio = geometricMean(besideGo.map((row) => ratioOf(row)!));
  const mean = withRatioGoal({ name: "geometric mean", figures: [], ratio }, LIMITS.geometricMean);
  const besideNpm = all.map(({ own, bufbuild }, index) =>
    withRatioGoal({ name: predicates[index]!.name, figures: [own, bufbuild] }, LIMITS.bufbuild),
  );
  const inCache = few.map(({ own, bufbuild, celJs }, index) =>
    withRatioGoal({ name: predicates[index]!.name, figures: [own, bufbuild, celJs] }, LIMITS.bufbuild),
  );
  const leastTimes = 1 / Math.max(...besideNpm.map((row) => ratioOf(row)!));
  const columns = ["flowscribe", "@bufbuild/cel"];
  return {
    tables: [
      {
        title: "CEL expressions, beside Hubble",
        unit: "ns",
        columns: ["decodeFlow", "Hubble in Go (recorded)", "fromBinary"],
        rows: [...besideGo, mean],
      },
      { title: "CEL expressions on all flows", unit: "ns", columns, rows: besideNpm },
      {
        title: `CEL expressions on ${FEW} cached flows`,
        unit: "ns",
        columns: [...columns, "cel-js (flows converted beforehand)"],
        rows: inCache,
      },
    ],
    peers: {
      ...GO_PEERS,
      "@bufbuild/cel": packageVersion("@bufbuild/cel"),
      "cel-js": packageVersion("cel-js"),
    },
    gain:
      `CEL expressions take ${formatRatio(ratio)} times the time of Hubble's engine, and are at least ` +
      `${Math.floor(leastTimes)} times as fast as with @bufbuild/cel.`,
  };
}

/** Predicates in turn, after a pass that is not timed, as the one before has driven the flows out of the cache. */
function measure<Name extends string>(
  title: string,
  flows: readonly Flow[],
  predicates: Readonly<Record<Name, FlowPredicate>>,
  expected?: number,
): Record<Name, Figures> {
  const entries = Object.entries<FlowPredicate>(predicates);
  const matched = new Set(entries.map(([, predicate]) => repeat(flows, predicate, WARM_UP_MS).matched));
  if (expected !== undefined) matched.add(expected);
  if (matched.size > 1)
    throw new Error(`${title}: different numbers of flows match: ${[...matched].join(", ")}`);
  const works = entries.map(([name, predicate]) => [
    name,
    () => {
      count(flows, predicate);
      return repeat(flows, predicate, ROUND_MS).ns;
    },
  ]);
  return alternate(ROUNDS, Object.fromEntries(works) as Record<Name, () => number>);
}
