import { cutText } from "../../errors/cut-text.js";
import { ExportError, type FlowPrinter, type PrintableEvent } from "../../observer/index.js";
import type { InputReport } from "../input/report.js";

/** Maximum UTF-16 code units of a UUID or node name to quote in a message. */
const MAX_QUOTED_LENGTH = 100;

/**
 * A printer that reports and skips events that cannot be encoded as JSON, so that the following events are printed.
 *
 * @param source Name of the server or input of the events, for messages.
 */
export function skipUnencodable(
  printer: FlowPrinter,
  source: string,
  report: Pick<InputReport, "skipped">,
): FlowPrinter {
  return {
    write(event) {
      try {
        return printer.write(event);
      } catch (error) {
        if (!(error instanceof ExportError && error.code === "unencodable_event")) throw error;
        report.skipped("event", source, `${describe(event)} has no JSON form: ${error.message}`);
        return { out: "", err: "" };
      }
    },
    end: () => printer.end(),
  };
}

/** Identifies an event in a message: `the flow with UUID 2 of node n`. */
function describe(event: PrintableEvent): string {
  if (!("responseTypes" in event)) return "an event";
  const { responseTypes: content, nodeName } = event;
  const node = nodeName === "" ? "" : ` of node ${cutText(nodeName, MAX_QUOTED_LENGTH)}`;
  if (content.case !== "flow") return `an event (${content.case})${node}`;
  const { uuid } = content.value;
  return `${uuid === "" ? "a flow without UUID" : `the flow with UUID ${cutText(uuid, MAX_QUOTED_LENGTH)}`}${node}`;
}
