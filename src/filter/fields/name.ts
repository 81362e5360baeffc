import type { Flow } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler, FieldTest } from "../field.js";
import {
  compileFqdnPatterns,
  compileNodeNamePatterns,
  parseFqdnPattern,
  parseNodeNamePattern,
} from "../pattern/pattern.js";

/** DNS names: any name of the endpoint must match any pattern (pkg/hubble/filters/fqdn.go). */
function compileFqdn(
  side: "source" | "destination",
  read: (flow: Flow) => readonly string[],
): FieldCompiler<"sourceFqdn" | "destinationFqdn"> {
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
  };
};

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
