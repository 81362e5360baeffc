import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import type { AddressSelection } from "./selection.js";

/**
 * The names in allow filters, as selections of addresses: a packet whose flow passes any of the filters is from or to an
 * address of one of them. Undefined if a filter has no names, so that packets of all addresses may pass.
 */
export function selectionsOfFilters(allow: readonly FlowFilter[]): AddressSelection[] | undefined {
  if (allow.length === 0) return undefined;
  const selections: AddressSelection[] = [];
  for (const filter of allow) {
    const selection = SIDES.map((side) => side(filter)).find(hasNames);
    if (selection === undefined) return undefined;
    selections.push(selection);
  }
  return selections;
}

const SIDES: readonly ((filter: FlowFilter) => AddressSelection)[] = [
  ({ sourcePod, sourceLabel, sourceIdentity, sourceWorkload, sourceService, sourceFqdn }) => ({
    pod: sourcePod,
    label: sourceLabel,
    identity: sourceIdentity,
    workload: sourceWorkload.map(({ name, kind }) => ({ name, kind })),
    service: sourceService,
    fqdn: sourceFqdn,
  }),
  ({
    destinationPod,
    destinationLabel,
    destinationIdentity,
    destinationWorkload,
    destinationService,
    destinationFqdn,
  }) => ({
    pod: destinationPod,
    label: destinationLabel,
    identity: destinationIdentity,
    workload: destinationWorkload.map(({ name, kind }) => ({ name, kind })),
    service: destinationService,
    fqdn: destinationFqdn,
  }),
];

function hasNames(selection: AddressSelection): boolean {
  return Object.values(selection).some((values: readonly unknown[]) => values.length > 0);
}
