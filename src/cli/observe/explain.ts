import { MISSING_FLOW } from "../../filter/event.js";
import { explainFlowFilters, type FlowFilterLists } from "../../filter/index.js";
import type { HubbleVersion } from "../../hubble/version.js";
import type { FlowPrinter } from "../../observer/index.js";

/**
 * A printer that also explains, below each event, why the filters accept or reject it. As in the selection, an event
 * that is not a flow is treated as an empty flow.
 *
 * @param selection Filters that compile.
 */
export function explainingPrinter(
  printer: FlowPrinter,
  { allow = [], deny = [] }: FlowFilterLists,
  hubble: HubbleVersion,
): FlowPrinter {
  const lists = { allow, deny };
  return {
    write(event) {
      const { out, err } = printer.write(event);
      const flow =
        "responseTypes" in event && event.responseTypes.case === "flow"
          ? event.responseTypes.value
          : MISSING_FLOW;
      const explanation = String(explainFlowFilters(lists, flow, { hubble })).replaceAll("\n", "\n  ");
      return { out: `${out}  ${explanation}\n`, err };
    },
    end: () => printer.end(),
  };
}
