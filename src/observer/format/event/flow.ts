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
    const type = style.clean(formatFlowType(flow, style.rules));
    return `${stamp}: ${ends} ${type} ${formatVerdict(flow, style)} (${summaryOf(flow, style)})`;
  },

  fields: (flow, style) =>
    describe(
      flow,
      style,
      style.rules.printsAuthInRecords ? summaryOf(flow, style) : tracedSummaryOf(flow, style),
    ),

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

/** The summary with the authentication. */
function summaryOf(flow: Flow, style: Style): string {
  const { authType } = flow;
  const summary = tracedSummaryOf(flow, style);
  if (authType === AuthType.DISABLED) return summary;
  const { paint } = style;
  const brush = authType === AuthType.TEST_ALWAYS_FAIL ? paint.bad : paint.good;
  return `${summary}; Auth: ${brush(enumName(AuthTypeSchema, authType))}`;
}

/** The summary, after the trace number of the IP options if the version prints it. */
function tracedSummaryOf({ Summary: summary, ipTraceId }: Flow, { clean, rules }: Style): string {
  const text = clean(summary);
  if (ipTraceId === undefined || ipTraceId.traceId === 0n || !rules.printsIpTraceId) return text;
  return `IP Trace ID: ${ipTraceId.traceId}; ${text}`;
}

function describe(flow: Flow, style: Style, summary: string): Field[] {
  return [
    ...stampFields(style.time(flow.time), flow.nodeName, style),
    ["SOURCE", formatSourceHost(flow, style)],
    ["DESTINATION", formatDestinationHost(flow, style)],
    ["TYPE", style.clean(formatFlowType(flow, style.rules))],
    ["VERDICT", formatVerdict(flow, style)],
    ["SUMMARY", summary],
  ];
}
