import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import { FilterError } from "../../errors/errors.js";
import { issueOf } from "../../errors/issue.js";
import { aListOf, anInteger, anObject, aString, type ValueCheck } from "../../errors/value-checks.js";
import { checkFlowFilters, compileFlowFilters } from "../../filter/compile.js";
import type { FlowFilterInit } from "../../filter/filter-init.js";
import type { Endpoint, Flow, Service } from "../../gen/flow/flow_pb.js";
import { createScratchFlow } from "../../message/decode-flow.js";
import type { AddressEntry } from "./address-entry.js";

/**
 * Endpoints by name. Each field has the meaning of the field of a FlowFilter: any of its values must match, and of
 * several fields each.
 */
export interface AddressSelection {
  /** `namespace/prefix`, or `namespace/` for all pods of a namespace; see `source_pod`. */
  readonly pod?: readonly string[];
  /** Label selectors, such as `app in (cart, shop)`; see `source_label`. */
  readonly label?: readonly string[];
  readonly identity?: readonly number[];
  readonly workload?: readonly { readonly name?: string; readonly kind?: string }[];
  /** `namespace/name`, or a prefix of it; see `source_service`. */
  readonly service?: readonly string[];
  /** Patterns such as `*.example.com`; see `source_fqdn`. Without a time, all names count that an address has had. */
  readonly fqdn?: readonly string[];
}

/** The fields of a FlowFilter that test the source of a flow. */
const FILTER_FIELDS: { readonly [K in keyof Required<AddressSelection>]: keyof FlowFilterInit & string } = {
  pod: "sourcePod",
  label: "sourceLabel",
  identity: "sourceIdentity",
  workload: "sourceWorkload",
  service: "sourceService",
  fqdn: "sourceFqdn",
};

const SELECTION: OptionTable<AddressSelection> = {
  pod: aListOf(aString),
  label: aListOf(aString),
  identity: aListOf(anInteger(0, 2 ** 32 - 1)),
  workload: aListOf(anObject),
  service: aListOf(aString),
  fqdn: aListOf(aString),
};

/** The check of a selection. */
export const aSelection: ValueCheck<AddressSelection> = optionsOf<AddressSelection>("selection", SELECTION);

/** Whether a selection contains an address. With a time, what held then counts; otherwise what holds now. */
export type SelectionTest = (entry: AddressEntry, timeMs?: number) => boolean;

/**
 * Compiles a selection. It never throws for an address.
 *
 * @throws FilterError with every fault and its path.
 */
export function compileSelection(selection: AddressSelection): SelectionTest {
  const filter: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(FILTER_FIELDS)) {
    const values = selection[name as keyof AddressSelection];
    if (values !== undefined && values.length > 0) filter[field] = values;
  }
  // An empty filter passes every event, also one about which nothing is known.
  const isEmpty = Object.keys(filter).length === 0;
  const lists = { allow: [filter as FlowFilterInit] };
  const issues = checkFlowFilters(lists);
  if (issues.length > 0)
    throw new FilterError(issues.map(({ path, message }) => issueOf(nameOf(path), message)));
  const matches = compileFlowFilters(lists);
  const flow: Flow = createScratchFlow();
  return (entry, time) => {
    if (isEmpty) return false;
    const timeMs = time ?? Number.POSITIVE_INFINITY;
    const known = entry.endpoints.at(timeMs);
    flow.source =
      known &&
      ({
        $typeName: "flow.Endpoint",
        ID: known.ID,
        identity: known.identity,
        clusterName: known.clusterName,
        namespace: known.namespace,
        podName: known.podName,
        labels: known.labels as string[],
        workloads: known.workloads.map(({ name, kind }) => ({ $typeName: "flow.Workload", name, kind })),
      } satisfies Endpoint);
    flow.sourceNames = time === undefined ? [...entry.names.keys()] : entry.namesAt(time);
    if (entry.services.size === 0) {
      flow.sourceService = undefined;
      return matches(flow);
    }
    for (const holdings of entry.services.values()) {
      const service = holdings.at(timeMs);
      flow.sourceService = service && ({ $typeName: "flow.Service", ...service } satisfies Service);
      if (matches(flow)) return true;
    }
    return false;
  };
}

/** `allow[0].source_pod[1]` as `pod[1]`. */
function nameOf(path: string): string {
  return path.replace(/^allow\[0\]\.source_?/, "");
}
