import type { Endpoint, Flow, Service, Workload } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler, FieldTest, NamePrefix } from "../field.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { namePrefixIndex } from "../list-index/prefix-index.js";
import { pairIndex, valueIndex } from "../list-index/value-index.js";
import { compileOneOf } from "../one-of.js";
import { compileNamePrefixes } from "../pattern/name-prefix.js";

type Side = "source" | "destination";

const EMPTY_NAME = "invalid filter, name must not be empty";

/**
 * Parses `namespace/prefix`; an empty part matches any. Without a slash the namespace is `default`. A second slash and
 * everything after it are ignored (pkg/hubble/filters/k8s.go).
 */
function parseName(text: string): NamePrefix {
  const [first = "", second] = text.split("/", 2);
  return second === undefined
    ? { namespace: "default", prefix: first }
    : { namespace: first, prefix: second };
}

function parseNames(
  values: readonly string[],
  report: (message: string, index: number) => void,
  errorPrefix: string,
): NamePrefix[] | undefined {
  values.forEach((text, index) => {
    if (text === "") report(`${errorPrefix}${EMPTY_NAME}`, index);
  });
  return values.includes("") ? undefined : values.map(parseName);
}

function compilePod(side: Side): FieldCompiler<"sourcePod" | "destinationPod"> {
  const byPod = namePrefixIndex(
    INDEX_COST.pod,
    (flow) => flow[side],
    ({ podName }) => podName,
  );
  return (values, { report }): FieldTest | undefined => {
    const names = parseNames(values, report, "");
    if (names === undefined) return undefined;
    const hasPrefix = compileNamePrefixes(names);
    return {
      matches: (flow) => {
        const endpoint = flow[side];
        return endpoint !== undefined && hasPrefix(endpoint.namespace, endpoint.podName);
      },
      seen: (event) => {
        const endpoint = isFlow(event) ? event[side] : undefined;
        return endpoint && `${endpoint.namespace}/${endpoint.podName}`;
      },
      reads: [`${side}.namespace`, `${side}.pod_name`],
      cost: "cheap",
      key: exactKey(byPod, names),
    };
  };
}

export const sourcePod: FieldCompiler<"sourcePod"> = compilePod("source");
export const destinationPod: FieldCompiler<"destinationPod"> = compilePod("destination");

function compileService(
  side: Side,
  read: (flow: Flow) => Service | undefined,
): FieldCompiler<"sourceService" | "destinationService"> {
  const byService = namePrefixIndex(INDEX_COST.service, read, ({ name }) => name);
  return (values, { report }): FieldTest | undefined => {
    const names = parseNames(values, report, `invalid ${side} service filter: `);
    if (names === undefined) return undefined;
    const hasPrefix = compileNamePrefixes(names);
    return {
      matches: (flow) => {
        const service = read(flow);
        return service !== undefined && hasPrefix(service.namespace, service.name);
      },
      seen: (event) => {
        const service = isFlow(event) ? read(event) : undefined;
        return service && `${service.namespace}/${service.name}`;
      },
      reads: [`${side}_service.namespace`, `${side}_service.name`],
      cost: "cheap",
      key: exactKey(byService, names),
    };
  };
}

export const sourceService: FieldCompiler<"sourceService"> = compileService(
  "source",
  (flow) => flow.sourceService,
);
export const destinationService: FieldCompiler<"destinationService"> = compileService(
  "destination",
  (flow) => flow.destinationService,
);

/** A workload of the endpoint by name and kind; an empty name or kind matches any (pkg/hubble/filters/workload.go). */
function compileWorkload(side: Side): FieldCompiler<"sourceWorkload" | "destinationWorkload"> {
  const byWorkload = pairIndex(
    INDEX_COST.workload,
    (flow) => flow[side]?.workloads,
    ({ name }) => name,
    ({ kind }) => kind,
  );
  return (values): FieldTest => {
    const isWanted = compileWorkloads(values);
    return {
      matches: (flow) => {
        const workloads = flow[side]?.workloads;
        if (workloads === undefined) return false;
        for (let index = 0; index < workloads.length; index++) if (isWanted(workloads[index]!)) return true;
        return false;
      },
      seen: (event) => (isFlow(event) ? event[side]?.workloads : undefined),
      reads: [`${side}.workloads`],
      cost: "cheap",
      key: exactKey(
        byWorkload,
        values.map(({ name, kind }) => ({ first: name || undefined, second: kind || undefined })),
      ),
    };
  };
}

/**
 * Indexes the wanted kinds by name, with "" for any: at most four lookups per workload, regardless of the number of
 * values.
 */
function compileWorkloads(values: readonly Workload[]): (workload: Workload) => boolean {
  const kindsByName = new Map<string, Set<string>>();
  for (const { name, kind } of values) {
    const kinds = kindsByName.get(name);
    if (kinds === undefined) kindsByName.set(name, new Set([kind]));
    else kinds.add(kind);
  }
  const ofAnyName = kindsByName.get("");
  const takes = (kinds: ReadonlySet<string> | undefined, kind: string) =>
    kinds !== undefined && (kinds.has("") || kinds.has(kind));
  return ({ name, kind }) => takes(kindsByName.get(name), kind) || takes(ofAnyName, kind);
}

export const sourceWorkload: FieldCompiler<"sourceWorkload"> = compileWorkload("source");
export const destinationWorkload: FieldCompiler<"destinationWorkload"> = compileWorkload("destination");

/** Cluster names, compared exactly. Since 1.17. */
function compileClusterName(side: Side): FieldCompiler<"sourceClusterName" | "destinationClusterName"> {
  const read = (endpoint: Endpoint | undefined) => endpoint?.clusterName ?? "";
  const byCluster = valueIndex(INDEX_COST.code, (flow) => read(flow[side]));
  return (values, { report }): FieldTest | undefined => {
    values.forEach((text, index) => {
      if (text === "") report(EMPTY_NAME, index);
    });
    if (values.includes("")) return undefined;
    const isWanted = compileOneOf(values);
    return {
      matches: (flow) => isWanted(read(flow[side])),
      seen: (event) => (isFlow(event) ? read(event[side]) : undefined),
      reads: [`${side}.cluster_name`],
      cost: "cheap",
      key: exactKey(byCluster, values),
    };
  };
}

export const sourceClusterName: FieldCompiler<"sourceClusterName"> = compileClusterName("source");
export const destinationClusterName: FieldCompiler<"destinationClusterName"> =
  compileClusterName("destination");
