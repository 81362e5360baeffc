import { type LostEvent, LostEventSchema } from "../../gen/flow/flow_pb.js";
import { formatProtoText } from "../../message/proto-text.js";
import { AGENT_EVENT_FORM } from "./event/agent-event.js";
import { DEBUG_EVENT_FORM } from "./event/debug-event.js";
import { FLOW_FORM } from "./event/flow.js";
import { LOST_EVENT_FORM } from "./event/lost-event.js";
import { formatNodeStatus, isNodeProblem, nodeStatusFields } from "./event/node-status.js";
import type { EventPrinter } from "./event-printer.js";
import { createStyle, type FormatFlowOptions } from "./options.js";
import { NOTHING, toErr, toOut } from "./printed.js";
import { type CreateWriter, formatRecord } from "./writer.js";

/** Creates a printer for lines, records or a table. */
export function createTextPrinter(options: FormatFlowOptions, createWriter: CreateWriter): EventPrinter {
  const { debug = false, lostEvents = false, rawControls = false } = options;
  const style = createStyle(options);
  const writer = createWriter(style, { rawControls });

  return {
    flow: (flow) => toOut(writer.write(FLOW_FORM, flow)),
    agentEvent: (event) => toOut(writer.write(AGENT_EVENT_FORM, event)),
    debugEvent: (event) => toOut(writer.write(DEBUG_EVENT_FORM, event)),

    lostEvent(event) {
      if (lostEvents) return toOut(writer.write(LOST_EVENT_FORM, event));
      return debug ? toErr(unknownLostEvent(event)) : NOTHING;
    },

    nodeStatus(status) {
      if (!debug && !isNodeProblem(status.event)) return NOTHING;
      if (writer.separate === undefined) return toErr(`${formatNodeStatus(status, style)}\n`);
      // The separator goes to stdout, the record to stderr (`printer.go`); a terminal shows both.
      return { out: writer.separate(), err: formatRecord(nodeStatusFields(status, style)) };
    },

    end: () => toOut(writer.end()),
  };
}

/** The message that v1.16.2, which does not support lost events in responses, prints with `debug`. */
export function unknownLostEvent(event: LostEvent): string {
  return `unknown response type: &{LostEvents:${formatProtoText(LostEventSchema, event)}}\n`;
}
