import type { Flow } from "../../gen/flow/flow_pb.js";
import { type FlowEvent, isFlow } from "../event.js";
import type { FieldCompiler, FieldTest } from "../field.js";
import {
  compileLabelSelector,
  compileLabelSelectors,
  compileLabelTraces,
  type LabelSelector,
  LabelSelectorError,
} from "../labels/index.js";
import { compileIgnoresLabel } from "../labels/relevant-labels.js";
import { INDEX_COST } from "../list-index/flow-index.js";
import { labelIndex, selectorsKey } from "../list-index/label-index.js";

type LabelField = "sourceLabel" | "destinationLabel" | "nodeLabels";

/**
 * Label selectors: any must match. A selector that holds for an empty set of labels also matches events without labels.
 */
function compileLabels(
  read: (flow: Flow) => readonly string[] | undefined,
  path: string,
  name: string,
): FieldCompiler<LabelField> {
  const byLabel = labelIndex(INDEX_COST.label, read);
  return (values, { rules, report }): FieldTest | undefined => {
    const selectors: LabelSelector[] = [];
    values.forEach((text, index) => {
      try {
        selectors.push(compileLabelSelector(text, rules));
      } catch (error) {
        if (!(error instanceof LabelSelectorError)) throw error;
        report(`invalid ${name} label filter: ${error.message}`, index);
      }
    });
    if (selectors.length < values.length) return undefined;
    const matches = compileLabelSelectors(selectors);
    const matchesNone = matches(undefined);
    const labelsOf = (event: FlowEvent) => (isFlow(event) ? read(event) : undefined);
    return {
      matches: (flow) => matches(read(flow)),
      matchesOther: () => matchesNone,
      seen: labelsOf,
      trace: (event) => compileLabelTraces(selectors)(labelsOf(event)),
      reads: [path],
      ignoresLabel: compileIgnoresLabel(selectors.flatMap(({ requirements }) => requirements)),
      cost: "expensive",
      key: selectorsKey(byLabel, selectors),
    };
  };
}

export const sourceLabel: FieldCompiler<"sourceLabel"> = compileLabels(
  (flow) => flow.source?.labels,
  "source.labels",
  "source",
);
export const destinationLabel: FieldCompiler<"destinationLabel"> = compileLabels(
  (flow) => flow.destination?.labels,
  "destination.labels",
  "destination",
);
export const nodeLabels: FieldCompiler<"nodeLabels"> = compileLabels(
  (flow) => flow.nodeLabels,
  "node_labels",
  "node",
);
