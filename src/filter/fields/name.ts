import type { Flow } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler, FieldTest } from "../field.js";
import { alternativesKey, INDEX_COST, type KeyCondition } from "../list-index/flow-index.js";
import { type NodeNamePart, nameConditions, namesIndex, nodeNameIndex } from "../list-index/name-index.js";
import {
  compileFqdnPatterns,
  compileNodeNamePatterns,
  DEFAULT_CLUSTER,
  type NodeNamePattern,
  parseFqdnPattern,
  parseNodeNamePattern,
} from "../pattern/pattern.js";

/** DNS names: any name of the endpoint must match any pattern (pkg/hubble/filters/fqdn.go). */
function compileFqdn(
  side: "source" | "destination",
  read: (flow: Flow) => readonly string[],
): FieldCompiler<"sourceFqdn" | "destinationFqdn"> {
  const byName = namesIndex(INDEX_COST.name, read);
  return (values, { report }): FieldTest | undefined => {
    const patterns = parseAll(values, parseFqdnPattern, report);
    if (patterns === undefined) return undefined;
    const fits = compileFqdnPatterns(patterns);
    return {
      matches: (flow) => {
        const names = read(flow);
        for (let index = 0; index < names.length; index++) if (fits(names[index]!)) return true;
        return false;
      },
      seen: (event) => (isFlow(event) ? read(event) : undefined),
      reads: [`${side}_names`],
      cost: "moderate",
      key: alternativesKey(byName, patterns.map(nameConditions)),
    };
  };
}

export const sourceFqdn: FieldCompiler<"sourceFqdn"> = compileFqdn("source", (flow) => flow.sourceNames);
export const destinationFqdn: FieldCompiler<"destinationFqdn"> = compileFqdn(
  "destination",
  (flow) => flow.destinationNames,
);

/** The node name, with or without its cluster, must match any pattern (pkg/hubble/filters/nodename.go). */
export const nodeName: FieldCompiler<"nodeName"> = (values, { report }) => {
  const patterns = parseAll(values, parseNodeNamePattern, report);
  if (patterns === undefined) return undefined;
  const fits = compileNodeNamePatterns(patterns);
  return {
    matches: (flow) => fits(flow.nodeName),
    seen: (event) => (isFlow(event) ? event.nodeName : undefined),
    reads: ["node_name"],
    cost: "moderate",
    key: alternativesKey(byNodeName, patterns.map(nodeNameConditions)),
  };
};

const byNodeName = nodeNameIndex(INDEX_COST.name, (flow) => flow.nodeName, DEFAULT_CLUSTER);

/** Each part of a pattern sets conditions. Only both together make it match. */
function nodeNameConditions({ cluster, node }: NodeNamePattern): KeyCondition<NodeNamePart>[] {
  const conditionsOf = (of: NodeNamePart["of"], pattern: NodeNamePattern["node"]) =>
    nameConditions(pattern).map(
      ({ values }): KeyCondition<NodeNamePart> => ({
        values: values.map((part) => ({ ...part, of })),
        suffices: false,
      }),
    );
  return [...conditionsOf("node", node), ...conditionsOf("cluster", cluster)];
}

function parseAll<T extends object>(
  values: readonly string[],
  parse: (text: string) => T | string,
  report: (message: string, index: number) => void,
): T[] | undefined {
  const patterns: T[] = [];
  values.forEach((text, index) => {
    const pattern = parse(text);
    if (typeof pattern === "string") report(pattern, index);
    else patterns.push(pattern);
  });
  return patterns.length === values.length ? patterns : undefined;
}
