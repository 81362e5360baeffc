import type { Flow } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler, FieldTest } from "../field.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { valueIndex } from "../list-index/value-index.js";
import { compilePorts, parsePort } from "../port.js";

type Side = "sourcePort" | "destinationPort";

/** Returned for flows without ports (ICMP, no layer 4). */
const NO_PORT = -1;

/** Ports of TCP, UDP and SCTP. Hubble compares the low 16 bits (pkg/hubble/filters/port.go). */
function compilePort(side: Side, label: "source" | "destination"): FieldCompiler<Side> {
  const byPort = valueIndex(INDEX_COST.port, (flow) => readPort(flow, side));
  return (values, { report }): FieldTest | undefined => {
    const ports: number[] = [];
    values.forEach((text, index) => {
      const port = parsePort(text);
      if (typeof port === "number") ports.push(port);
      else report(`invalid ${label} port filter: ${port}`, index);
    });
    if (ports.length < values.length) return undefined;
    const isWanted = compilePorts(ports);
    return {
      matches: (flow) => {
        const port = readPort(flow, side);
        return port !== NO_PORT && isWanted(port);
      },
      seen: (event) => {
        const port = isFlow(event) ? readPort(event, side) : NO_PORT;
        return port === NO_PORT ? undefined : port;
      },
      reads: ["TCP", "UDP", "SCTP"].map((protocol) => `l4.${protocol}.${label}_port`),
      cost: "cheap",
      key: exactKey(byPort, ports),
    };
  };
}

/** Returns the low 16 bits of a flow's port; -1 if the flow has no ports. */
export function readPort(flow: Flow, side: Side): number {
  const protocol = flow.l4?.protocol;
  if (protocol === undefined) return NO_PORT;
  switch (protocol.case) {
    case "TCP":
    case "UDP":
    case "SCTP":
      return protocol.value[side] & 0xffff;
    default:
      return NO_PORT;
  }
}

export const sourcePort: FieldCompiler<"sourcePort"> = compilePort("sourcePort", "source");
export const destinationPort: FieldCompiler<"destinationPort"> = compilePort(
  "destinationPort",
  "destination",
);
