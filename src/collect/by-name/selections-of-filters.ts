import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import { type AddressSelection, FILTER_FIELDS } from "../address-book/selection.js";

/**
 * The names in allow filters, as selections of addresses: a packet whose flow passes any of the filters is from or to an
 * address of one of them. Undefined if a filter has no names, so that packets of all addresses may pass.
 */
export function selectionsOfFilters(allow: readonly FlowFilter[]): AddressSelection[] | undefined {
  if (allow.length === 0) return undefined;
  const selections: AddressSelection[] = [];
  for (const filter of allow) {
    const selection = selectionOf(filter, "source") ?? selectionOf(filter, "destination");
    if (selection === undefined) return undefined;
    selections.push(selection);
  }
  return selections;
}

/** The names of one side; undefined if it has none. */
function selectionOf(filter: FlowFilter, side: "source" | "destination"): AddressSelection | undefined {
  const fields = Object.entries(FILTER_FIELDS)
    .map(([field, names]) => [field, filter[names[side]]] as const)
    .filter(([, values]) => values.length > 0);
  // The types of the values follow from the table.
  return fields.length === 0 ? undefined : (Object.fromEntries(fields) as AddressSelection);
}
