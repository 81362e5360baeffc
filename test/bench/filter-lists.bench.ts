// Allow and deny lists of 10 and of 10,000 FlowFilters over the 10,000 flows of the corpus.
import { compileFlowFilters, type FlowFilterInit, type FlowPredicate } from "../../dist/filter/index.js";
import { decodeFlow, type Flow } from "../../dist/proto.js";
import { encodedFlows } from "./inputs/corpus.js";
import { createRandom } from "./inputs/synthetic-capture.js";
import { alternate, ROUNDS, repeat, summarise } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  formatRatio,
  ratioOf,
  withRatioGoal,
} from "./report/result.js";

const WARM_UP_MS = 150;
const ROUND_MS = 30;
const MANY = 10_000;
/** The goal: how often as long 10,000 filters may take as 10. */
const LIMIT = 5;

type Kind = (index: number) => FlowFilterInit;

const random = createRandom(5);
const octet = () => random(256);
const address = () => `10.${octet()}.${octet()}.${octet()}`;
const port = () => String(1024 + random(60_000));

/** Fields with many values. */
const SELECTIVE: Readonly<Record<string, Kind>> = {
  uuid: () => ({ uuid: [`${random(1e9)}`] }),
  "source_ip, addresses": () => ({ sourceIp: [address()] }),
  "destination_ip, prefixes": () => ({ destinationIp: [`${address()}/${16 + random(16)}`] }),
  "source_ip_xlated, both": (index) => ({ sourceIpXlated: [index % 2 ? address() : `${address()}/24`] }),
  source_pod: (index) => ({ sourcePod: [`namespace-${index % 50}/pod-${random(1e6)}`] }),
  destination_service: (index) => ({ destinationService: [`namespace-${index % 50}/svc-${random(1e6)}`] }),
  source_workload: () => ({ sourceWorkload: [{ name: `app-${random(1e6)}`, kind: "Deployment" }] }),
  source_identity: () => ({ sourceIdentity: [random(1e6)] }),
  destination_port: () => ({ destinationPort: [port()] }),
  "destination_fqdn, names": () => ({ destinationFqdn: [`host-${random(1e6)}.example.com`] }),
  "destination_fqdn, patterns": () => ({ destinationFqdn: [`*.zone-${random(1e6)}.example.com`] }),
  "node_name, names": () => ({ nodeName: [`cluster-a/node-${random(1e6)}`] }),
  "node_name, patterns": () => ({ nodeName: [`node-${random(1e6)}-*`] }),
  "source_label, equality": () => ({ sourceLabel: [`k8s:app=app-${random(1e6)}`] }),
  "source_label, key": () => ({ sourceLabel: [`team-${random(1e6)}`] }),
  "source_label, two of each": (index) => ({
    sourceLabel: [
      `k8s:io.kubernetes.pod.namespace=ns-${index % 20},app in (a-${random(1e6)}, b-${random(1e6)})`,
      `x=${random(1e6)}`,
    ],
  }),
  node_labels: () => ({ nodeLabels: [`zone=zone-${random(1e6)}`] }),
  http_header: () => ({ httpHeader: [{ key: "x-request-id", value: String(random(1e9)) }] }),
  "http_path, anchored": () => ({ httpPath: [`^/api/items/${random(1e9)}$`] }),
  "dns_query, anchored": () => ({ dnsQuery: [`\\.zone-${random(1e6)}\\.example\\.com\\.$`] }),
  interface: () => ({ interface: [{ name: `lxc${random(1e9)}` }] }),
  trace_id: () => ({ traceId: [String(random(1e9))] }),
  source_cluster_name: () => ({ sourceClusterName: [`cluster-${random(1e6)}`] }),
  event_type: () => ({ eventType: [{ type: 7, matchSubType: true, subType: random(1e6) }] }),
};

const kinds = Object.values(SELECTIVE);

/** Filters that share values, and lists of several kinds. */
const COMBINED: Readonly<Record<string, Kind>> = {
  "one port, many addresses": () => ({ destinationPort: ["443"], sourceIp: [address()] }),
  "one verdict, many pods": () => ({ verdict: [1], sourcePod: [`shop/pod-${random(1e6)}`] }),
  "100 ports, 100 identities": () => ({
    destinationPort: [String(8000 + random(100))],
    sourceIdentity: [random(100)],
  }),
  "nested prefixes, many ports": (index) => ({
    sourceIp: [`10.0.0.0/${index % 33}`],
    destinationPort: [port()],
  }),
  "namespace label, app label": () => ({
    sourceLabel: [`k8s:io.kubernetes.pod.namespace=ns-${random(100)},k8s:app=app-${random(100)}`],
  }),
  "verdict and direction": () => ({ verdict: [random(8) + 1], trafficDirection: [random(2) + 1] }),
  "addresses, ports, pods, identities": (index) =>
    [
      SELECTIVE["source_ip, addresses"],
      SELECTIVE.destination_port,
      SELECTIVE.source_pod,
      SELECTIVE.source_identity,
    ][index % 4]!(index),
  "all of the fields above": (index) => kinds[index % kinds.length]!(index),
  "pairs of the fields above": (index) => ({
    ...kinds[index % kinds.length]!(index),
    ...kinds[(7 * index + 3) % kinds.length]!(index),
  }),
};

export function run(): BenchmarkResult {
  const flows = encodedFlows().map(decodeFlow);
  const compiling: number[] = [];
  const tables = (["allow", "deny"] as const).map((list) => ({
    title: `Lists of ${list} filters`,
    unit: "ns",
    columns: ["10,000 filters", "10 filters"],
    rows: Object.entries({ ...SELECTIVE, ...COMBINED }).map(([name, kind]) => {
      const compile = (filters: readonly FlowFilterInit[]) => compileFlowFilters({ [list]: filters });
      return compare(name, kind, flows, compile, compiling);
    }),
  }));
  const rows = tables.flatMap((table) => table.rows);
  const within = rows.filter(({ goal }) => goal?.isMet).length;
  const worst = Math.max(...rows.map((row) => ratioOf(row)!));
  return {
    tables: [
      ...tables,
      {
        title: "Compiling 10,000 filters",
        unit: "ms",
        columns: ["flowscribe"],
        rows: [{ name: "all lists (fastest–slowest list)", figures: [summarise(compiling)] }],
      },
    ],
    gain:
      `10,000 filters take at most ${LIMIT} times as long as 10 of the same kind for ${within} of ${rows.length} lists, ` +
      `at worst ${formatRatio(worst)} times.`,
  };
}

function compare(
  name: string,
  kind: Kind,
  flows: readonly Flow[],
  compile: (filters: readonly FlowFilterInit[]) => FlowPredicate,
  compiling: number[],
): BenchmarkRow {
  const filters = Array.from({ length: MANY }, (_, index) => kind(index));
  const few = compile(filters.slice(0, 10));
  const start = performance.now();
  const many = compile(filters);
  compiling.push(performance.now() - start);
  repeat(flows, many, WARM_UP_MS);
  repeat(flows, few, WARM_UP_MS);
  const figures = alternate(ROUNDS, {
    few: () => repeat(flows, few, ROUND_MS).ns,
    many: () => repeat(flows, many, ROUND_MS).ns,
  });
  return withRatioGoal({ name, figures: [figures.many, figures.few] }, LIMIT);
}
