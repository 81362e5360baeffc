import { type LostEvent, LostEventSchema } from "../../gen/flow/flow_pb.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { formatProtoText } from "../../message/proto-text.js";
import { AGENT_EVENT_FORM } from "./event/agent-event.js";
import { DEBUG_EVENT_FORM } from "./event/debug-event.js";
import { FLOW_FORM } from "./event/flow.js";
import { lostEventForm } from "./event/lost-event.js";
import { formatNodeStatus, isNodeProblem, nodeStatusFields } from "./event/node-status.js";
import type { EventPrinter } from "./event-printer.js";
import { createStyle, type FormatFlowOptions } from "./options.js";
import { NOTHING, type PrintedText, toErr, toOut } from "./printed.js";
import { type CreateWriter, formatRecord } from "./writer.js";

/** Creates a printer for lines, records or a table. */
export function createTextPrinter(options: FormatFlowOptions, createWriter: CreateWriter): EventPrinter {
  const style = createStyle(options);
  const { debug = false, lostEvents = style.rules.printsLostEvents, rawControls = false } = options;
  const lostForm = lostEventForm(style.rules);
  const writer = createWriter(style, { rawControls });

  return {
    flow: (flow) => toOut(writer.write(FLOW_FORM, flow)),
    agentEvent: (event) => toOut(writer.write(AGENT_EVENT_FORM, event)),
    debugEvent: (event) => toOut(writer.write(DEBUG_EVENT_FORM, event)),

    lostEvent(event, envelope) {
      if (!lostEvents) return debug ? toErr(unknownLostEvent(event)) : NOTHING;
      return toOut(
        writer.write(lostForm, { event, time: envelope?.time, nodeName: envelope?.nodeName ?? "" }),
      );
    },

    nodeStatus(status) {
      if (!debug && !isNodeProblem(status.event)) return NOTHING;
      if (writer.separate === undefined) return toErr(`${formatNodeStatus(status, style)}\n`);
      const record = formatRecord(nodeStatusFields(status, style));
      return SEPARATED[style.rules.nodeStatusSeparator](writer.separate(), record);
    },

    end: () => toOut(writer.end()),
  };
}

/** A record of a node status after its separator. In v1.16.2, the two go to different outputs (`printer.go`). */
const SEPARATED: {
  readonly [K in HubbleRules["nodeStatusSeparator"]]: (separator: string, record: string) => PrintedText;
} = {
  out: (separator, record) => ({ out: separator, err: record }),
  err: (separator, record) => toErr(separator + record),
};

/** The message that v1.16.2, which does not support lost events in responses, prints with `debug`. */
export function unknownLostEvent(event: LostEvent): string {
  return `unknown response type: &{LostEvents:${formatProtoText(LostEventSchema, event)}}\n`;
}
