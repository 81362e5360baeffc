// Results for the 10,000 encoded flows of the corpus: predicate.bytes against fromBinary and the predicate.
import { fromBinary } from "@bufbuild/protobuf";
import { compileFlowFilters, type FlowFilterInit } from "../../dist/filter/index.js";
import { decodeFlow, FlowSchema } from "../../dist/proto.js";
import {
  benchmarkFilters,
  encodedFlows,
  GO_PEERS,
  GO_UNMARSHAL_NS,
  hasCel,
  type NamedFilters,
} from "./inputs/corpus.js";
import { alternate, geometricMean, packageVersion, ROUNDS, recorded, repeat } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  type BenchmarkTable,
  formatRatio,
  ratioOf,
  withRatioGoal,
} from "./report/result.js";

const WARM_UP_MS = 200;
const ROUND_MS = 40;
/** Goals, relative to fromBinary and the predicate. */
const LIMITS = { geometricMean: 1 / 25, filter: 1 / 12, five: 1 / 15, whole: 0.45 };
const FIVE = ["verdict", "source_ip CIDR v4+v6", "source_pod", "destination_port", "source_label equality"];

export function run(): BenchmarkResult {
  const flows = encodedFlows();
  const filters = benchmarkFilters().filter(({ allow = [], deny = [] }) => allow.length + deny.length > 0);
  const rowsOf = (list: readonly NamedFilters[]) => list.map((one) => compare(flows, one, LIMITS.filter));
  const plain = rowsOf(filters.filter((one) => !hasCel(one)));
  const ratio = geometricMean(plain.map((row) => ratioOf(row)!));
  const allow = FIVE.flatMap((name): readonly FlowFilterInit[] => {
    return filters.find((filter) => filter.name === name)?.allow ?? [];
  });
  const rows = [
    ...plain,
    withRatioGoal({ name: "geometric mean of these", figures: [], ratio }, LIMITS.geometricMean),
    compare(flows, { name: "five filters in one list", allow }, LIMITS.five),
    ...rowsOf(filters.filter(hasCel)),
  ];
  const columns = ["bytes()", "fromBinary and predicate"];
  return {
    tables: [{ title: "Filters on encoded flows", unit: "ns", columns, rows }, decoding(flows)],
    peers: { "protobuf-es": packageVersion("@bufbuild/protobuf"), ...GO_PEERS },
    gain: `Filters on encoded flows take ${formatRatio(ratio)} times the time of decoding the flows first, as geometric mean.`,
  };
}

function decoding(flows: readonly Uint8Array[]): BenchmarkTable {
  const own = (bytes: Uint8Array) => decodeFlow(bytes).reply;
  const other = (bytes: Uint8Array) => fromBinary(FlowSchema, bytes).reply;
  repeat(flows, own, WARM_UP_MS);
  repeat(flows, other, WARM_UP_MS);
  const figures = alternate(ROUNDS, {
    decodeFlow: () => repeat(flows, own, ROUND_MS).ns,
    fromBinary: () => repeat(flows, other, ROUND_MS).ns,
  });
  const row = { name: "flow", figures: [figures.decodeFlow, figures.fromBinary, recorded(GO_UNMARSHAL_NS)] };
  return {
    title: "Decoding whole flows",
    unit: "ns",
    columns: ["decodeFlow", "fromBinary", "Go's proto.Unmarshal (recorded)"],
    rows: [withRatioGoal(row, LIMITS.whole)],
  };
}

function compare(
  flows: readonly Uint8Array[],
  { name, allow = [], deny = [] }: NamedFilters,
  limit: number,
): BenchmarkRow {
  const predicate = compileFlowFilters({ allow, deny });
  const encoded = (bytes: Uint8Array) => predicate.bytes(bytes);
  const decoded = (bytes: Uint8Array) => predicate(fromBinary(FlowSchema, bytes));
  const { matched } = repeat(flows, encoded, WARM_UP_MS);
  const expected = repeat(flows, decoded, WARM_UP_MS).matched;
  if (matched !== expected) throw new Error(`${name}: ${matched} flows match instead of ${expected}`);
  const figures = alternate(ROUNDS, {
    bytes: () => repeat(flows, encoded, ROUND_MS).ns,
    fromBinary: () => repeat(flows, decoded, ROUND_MS).ns,
  });
  return withRatioGoal({ name, figures: [figures.bytes, figures.fromBinary] }, limit);
}
