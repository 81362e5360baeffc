import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FilterError } from "../../errors/errors.js";
import { issueOf } from "../../errors/issue.js";
import { checkedElsewhere } from "../../errors/value-checks.js";
import { compileFlowFilter, type FlowFilterInit, type FlowFilterOptions } from "../../filter/index.js";
import type { Endpoint, Flow, FlowFilter, Service } from "../../gen/flow/flow_pb.js";

/**
 * Selects addresses by what is known of them, with the meaning of the fields of a FlowFilter: every field that is set
 * must match, and a field matches if one of its values does. A selection without fields matches every address.
 */
export interface AddressSelection {
  /** `namespace/prefix` of the pod's name, as `source_pod`: without a slash the namespace is `default`. */
  readonly pod?: readonly string[];
  /** Label selectors, as `source_label`. */
  readonly label?: readonly string[];
  /** Security identities, as `source_identity`. */
  readonly identity?: readonly number[];
  /** Workloads by name and kind, as `source_workload`. */
  readonly workload?: readonly { readonly name?: string; readonly kind?: string }[];
  /** `namespace/prefix` of a service at any port of the address, as `source_service`. */
  readonly service?: readonly string[];
  /** Patterns of DNS names, as `source_fqdn`. */
  readonly fqdn?: readonly string[];
  /** Names of clusters, as `source_cluster_name`. */
  readonly clusterName?: readonly string[];
}

type SelectionField = keyof AddressSelection;

/** The fields of a FlowFilter that define the meaning of each field, for the source and the destination of a flow. */
export const FILTER_FIELDS = {
  pod: { source: "sourcePod", destination: "destinationPod" },
  label: { source: "sourceLabel", destination: "destinationLabel" },
  identity: { source: "sourceIdentity", destination: "destinationIdentity" },
  workload: { source: "sourceWorkload", destination: "destinationWorkload" },
  service: { source: "sourceService", destination: "destinationService" },
  fqdn: { source: "sourceFqdn", destination: "destinationFqdn" },
  clusterName: { source: "sourceClusterName", destination: "destinationClusterName" },
} as const satisfies Record<
  SelectionField,
  Readonly<Record<"source" | "destination", keyof FlowFilterInit & keyof FlowFilter>>
>;

/** The names of the fields of the source in the issues of a filter. */
const FIELD_OF_PATH: ReadonlyMap<string, string> = new Map(
  Object.entries(FILTER_FIELDS).map(([field, { source }]) => [snakeCase(source), field]),
);

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The filter checks the values. */
const SELECTION: OptionTable<AddressSelection> = {
  pod: checkedElsewhere,
  label: checkedElsewhere,
  identity: checkedElsewhere,
  workload: checkedElsewhere,
  service: checkedElsewhere,
  fqdn: checkedElsewhere,
  clusterName: checkedElsewhere,
};

/** What is known of one address at one time. */
export interface KnownAddress {
  readonly endpoint: Endpoint | undefined;
  readonly names: string[];
  /** When the first of the names expires. */
  readonly namesUntil: number;
  readonly services: readonly Service[];
}

/** Whether an address is selected. */
export type AddressMatcher = (known: KnownAddress) => boolean;

/**
 * Compiles a selection.
 *
 * @param name The public function, for messages.
 * @throws OptionsError for unknown fields; FilterError with every invalid value and its path, such as `label[1]`.
 */
export function compileSelection(
  name: string,
  selection: AddressSelection,
  options: Pick<FlowFilterOptions, "hubble">,
): AddressMatcher {
  checkOptions(name, selection, SELECTION);
  const filter: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(selection)) {
    if (value !== undefined) filter[FILTER_FIELDS[field as SelectionField].source] = value;
  }
  const matches = compile(filter as FlowFilterInit, options);
  // The tests of the fields above read these properties of a flow only.
  const flow = { $typeName: "flow.Flow" } as Flow;
  return ({ endpoint, names, services }) => {
    if (endpoint === undefined) delete flow.source;
    else flow.source = endpoint;
    flow.sourceNames = names;
    for (const service of services) {
      flow.sourceService = service;
      if (matches(flow)) return true;
    }
    delete flow.sourceService;
    return matches(flow);
  };
}

function compile(
  filter: FlowFilterInit,
  options: Pick<FlowFilterOptions, "hubble">,
): (flow: Flow) => boolean {
  try {
    return compileFlowFilter(filter, options);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new FilterError(error.issues.map(({ path, message }) => issueOf(selectionPath(path), message)));
  }
}

/** Replaces the name of the filter's field at the start of a path. */
function selectionPath(path: string): string {
  const [name = ""] = /^\w+/.exec(path) ?? [];
  return `${FIELD_OF_PATH.get(name) ?? name}${path.slice(name.length)}`;
}
