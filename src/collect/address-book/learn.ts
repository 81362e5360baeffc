import { type DNS, type Flow, TraceObservationPoint } from "../../gen/flow/flow_pb.js";

/** The side of a flow whose interface the flow names: the one at which it was observed. */
export function sideOfInterface({
  interface: link,
  traceObservationPoint,
}: Flow): "source" | "destination" | undefined {
  if (link === undefined || link.name === "") return undefined;
  if (traceObservationPoint === TraceObservationPoint.FROM_ENDPOINT) return "source";
  if (traceObservationPoint === TraceObservationPoint.TO_ENDPOINT) return "destination";
  return undefined;
}

/** The DNS answer in a flow; undefined for other flows. */
export function dnsAnswerOf({ l7 }: Flow): DNS | undefined {
  const { record } = l7 ?? {};
  return record?.case === "dns" && record.value.ips.length > 0 ? record.value : undefined;
}

/** The ports of a flow; 0 if its protocol has none. */
export function portsOf({ l4 }: Flow): { readonly source: number; readonly destination: number } {
  const { protocol } = l4 ?? {};
  switch (protocol?.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return { source: protocol.value.sourcePort, destination: protocol.value.destinationPort };
    default:
      return NO_PORTS;
  }
}

const NO_PORTS = { source: 0, destination: 0 };

/** A name without the dot at its end. */
export function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
