import { cutText } from "../../errors/cut-text.js";
import { ExportError, type FlowPrinter, type PrintableEvent } from "../../observer/index.js";
import type { InputReport } from "../input/report.js";

/** UTF-16 code units of a UUID or node name that a message quotes. */
const MAX_QUOTED_LENGTH = 100;

/**
 * A printer that reports an event without a JSON form and leaves it out, so that the events after it are printed.
 *
 * @param source The server or the input that the events come from, for messages.
 */
export function skipUnencodable(
  printer: FlowPrinter,
  source: string,
  report: Pick<InputReport, "leftOut">,
): FlowPrinter {
  return {
    write(event) {
      try {
        return printer.write(event);
      } catch (error) {
        if (!(error instanceof ExportError && error.code === "unencodable_event")) throw error;
        report.leftOut("event", source, `${describe(event)} has no JSON form: ${error.message}`);
        return { out: "", err: "" };
      }
    },
    end: () => printer.end(),
  };
}

/** Says which event it is: `the flow with UUID 2 of node n`. */
function describe(event: PrintableEvent): string {
  if (!("responseTypes" in event)) return "an event";
  const { responseTypes: content, nodeName } = event;
  const node = nodeName === "" ? "" : ` of node ${cutText(nodeName, MAX_QUOTED_LENGTH)}`;
  if (content.case !== "flow") return `an event (${content.case})${node}`;
  const { uuid } = content.value;
  return `${uuid === "" ? "a flow without UUID" : `the flow with UUID ${cutText(uuid, MAX_QUOTED_LENGTH)}`}${node}`;
}
