import { create } from "@bufbuild/protobuf";
import { type ExportEvent, ExportEventSchema } from "../../gen/observer/observer_pb.js";
import { rulesOf } from "../../hubble/version.js";
import { encodeEnvelope } from "../export/line.js";
import { isNodeProblem } from "./event/node-status.js";
import type { Envelope, EventPrinter } from "./event-printer.js";
import type { FormatFlowOptions } from "./options.js";
import { traitsOf } from "./output-format.js";
import { NOTHING, toErr, toOut } from "./printed.js";
import { unknownLostEvent } from "./text-printer.js";

/** Prints one JSON object per line: the original response, or a new one around a bare event. */
export function createJsonPrinter(options: FormatFlowOptions): EventPrinter {
  const { output, debug = false, legacyJson = false } = options;
  const { lostEvents = rulesOf(options.hubble).printsLostEvents } = options;
  const { registry, onUndecodableExtension } = options;
  const encodeOptions = { onUndecodableExtension, ...(registry && { registry }) };
  const bare = legacyJson && traitsOf(output).hasLegacyForm === true;

  /** Encodes a line. In the legacy format it is only the value of the event's field, without the envelope. */
  function encode(envelope: Envelope): string {
    if (!bare) return `${encodeEnvelope(envelope, encodeOptions)}\n`;
    const text = encodeEnvelope(wrap(envelope.responseTypes), encodeOptions);
    return `${text.slice(text.indexOf(":") + 1, -"}".length)}\n`;
  }

  return {
    flow: (flow, envelope = wrap({ case: "flow", value: flow }, flow)) => toOut(encode(envelope)),

    agentEvent: ({ event, ...stamp }, envelope = wrap({ case: "agentEvent", value: event }, stamp)) =>
      toOut(encode(envelope)),

    debugEvent: ({ event, ...stamp }, envelope = wrap({ case: "debugEvent", value: event }, stamp)) =>
      toOut(encode(envelope)),

    lostEvent(event, envelope = wrap({ case: "lostEvents", value: event })) {
      if (lostEvents) return toOut(encode(envelope));
      return debug ? toErr(unknownLostEvent(event)) : NOTHING;
    },

    nodeStatus({ event }, envelope) {
      // Hubble's legacy format omits node status.
      if (bare || (!debug && !isNodeProblem(event))) return NOTHING;
      return toErr(encode(envelope));
    },

    end: () => NOTHING,
  };
}

function wrap(
  content: ExportEvent["responseTypes"],
  { time, nodeName = "" }: { time?: ExportEvent["time"]; nodeName?: string } = {},
): ExportEvent {
  const envelope = create(ExportEventSchema, { nodeName, responseTypes: content });
  if (time !== undefined) envelope.time = time;
  return envelope;
}
