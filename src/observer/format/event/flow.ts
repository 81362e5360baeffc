import { AuthType, AuthTypeSchema, type Flow } from "../../../gen/flow/flow_pb.js";
import { enumName } from "../../../message/proto-text.js";
import { type EventForm, type Field, SEPARATOR, type Style, stampFields, stampText } from "../style.js";
import { formatFlowType } from "./flow-type.js";
import { formatDestinationHost, formatSourceHost } from "./host.js";
import { formatIdentity } from "./identity.js";
import { formatVerdict } from "./verdict.js";

export const FLOW_FORM: EventForm<Flow> = {
  table: "flows",

  compact: (flow, style) => {
    const stamp = stampText(style.time(flow.time), flow.nodeName, style);
    const source = `${formatSourceHost(flow, style)} ${identityOf(flow.source?.identity, style)}`;
    const destination = `${formatDestinationHost(flow, style)} ${identityOf(flow.destination?.identity, style)}`;
    const ends = connect(source, destination, flow.isReply);
    const type = style.clean(formatFlowType(flow));
    return `${stamp}: ${ends} ${type} ${formatVerdict(flow, style.paint)} (${summaryOf(flow, style)})`;
  },

  fields: (flow, style) => describe(flow, style, style.clean(flow.Summary)),

  cells: (flow, style) => describe(flow, style, summaryOf(flow, style)),

  separator: SEPARATOR,
};

function identityOf(identity: number | undefined, { paint }: Style): string {
  return paint.identity(formatIdentity(identity ?? 0));
}

/** The side that opened the connection is on the left, if it is known. */
function connect(source: string, destination: string, isReply: boolean | undefined): string {
  if (isReply === undefined) return `${source} <> ${destination}`;
  return isReply ? `${destination} <- ${source}` : `${source} -> ${destination}`;
}

function summaryOf({ Summary: summary, authType }: Flow, { paint, clean }: Style): string {
  if (authType === AuthType.DISABLED) return clean(summary);
  const brush = authType === AuthType.TEST_ALWAYS_FAIL ? paint.bad : paint.good;
  return `${clean(summary)}; Auth: ${brush(enumName(AuthTypeSchema, authType))}`;
}

function describe(flow: Flow, style: Style, summary: string): Field[] {
  return [
    ...stampFields(style.time(flow.time), flow.nodeName, style),
    ["SOURCE", formatSourceHost(flow, style)],
    ["DESTINATION", formatDestinationHost(flow, style)],
    ["TYPE", style.clean(formatFlowType(flow))],
    ["VERDICT", formatVerdict(flow, style.paint)],
    ["SUMMARY", summary],
  ];
}
