import { compileFlowFilters, explainFlowFilters, type FlowFilterLists } from "../../filter/index.js";
import type { FlowPrinter } from "../../observer/index.js";

/**
 * A printer that says below each event why it passes the filters, or does not. An event that is no flow is to them one
 * without content, as it is to the selection.
 *
 * @throws FilterError for filters that do not compile.
 */
export function explainingPrinter(
  printer: FlowPrinter,
  { allow = [], deny = [] }: FlowFilterLists,
): FlowPrinter {
  const lists = { allow, deny };
  compileFlowFilters(lists);
  return {
    write(event) {
      const { out, err } = printer.write(event);
      const flow =
        "responseTypes" in event && event.responseTypes.case === "flow"
          ? event.responseTypes.value
          : undefined;
      const explanation = String(explainFlowFilters(lists, flow)).replaceAll("\n", "\n  ");
      return { out: `${out}  ${explanation}\n`, err };
    },
    end: () => printer.end(),
  };
}
