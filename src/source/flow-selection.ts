import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { FilterError } from "../errors/errors.js";
import { anObject, checkedElsewhere } from "../errors/value-checks.js";
import { checkFlowFilters, type FlowFilterLists } from "../filter/compile.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions, filterOptionsOf } from "../filter/filter-options.js";
import { type KernelPart, kernelPart } from "../filter/kernel-part.js";
import { packetPart } from "../filter/packet-part.js";
import type { PacketPredicate } from "../packet/filter/filter.js";
import { FLOW_OPTIONS } from "../packet/flow/flow-options.js";
import type { LocateOptions } from "../packet/flow/locate/locator.js";

/** FlowFilters that select the packets of a live capture, by the fields that packets contain. */
export interface FlowSelection extends FlowFilterLists, FlowFilterOptions, Pick<LocateOptions, "tunnels"> {}

const SELECTION_OPTIONS: OptionTable<FlowSelection> = {
  // The compile function checks them.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  ...FLOW_FILTER_OPTIONS,
  tunnels: FLOW_OPTIONS.tunnels,
};

/** A compiled {@link FlowSelection}. */
export interface CompiledSelection {
  /** The first selection, in the kernel. */
  readonly kernel: KernelPart;
  /** The exact test of the fields that packets contain, for the packets that the kernel selects. */
  readonly wanted: PacketPredicate;
}

/**
 * Compiles the filters of a capture. A packet passes if its flow may pass the lists: fields that packets do not contain,
 * such as pods and verdicts, are to be tested on the flow.
 *
 * @throws FilterError with every fault and its path, such as `flows.allow[0].source_port[0]`; OptionsError.
 */
export function compileSelection(flows: FlowSelection): CompiledSelection {
  checkArgument("compileSelection", "flows", flows, anObject);
  checkOptions("flows", flows, SELECTION_OPTIONS);
  const { allow = [], deny = [], tunnels = false } = flows;
  const lists = { allow, deny };
  const options = filterOptionsOf(flows);
  const issues = checkFlowFilters(lists, options);
  if (issues.length > 0) {
    throw new FilterError(issues.map(({ path, ...rest }) => ({ ...rest, path: `flows.${path}` })));
  }
  return {
    kernel: kernelPart(lists, options, tunnels),
    wanted: packetPart(lists, options).predicate({ tunnels }),
  };
}

/** A predicate for packets that pass both; undefined without predicates. */
export function bothOf(
  first: PacketPredicate | undefined,
  second: PacketPredicate | undefined,
): PacketPredicate | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (bytes, start, end, linkType) =>
    first(bytes, start, end, linkType) && second(bytes, start, end, linkType);
}
