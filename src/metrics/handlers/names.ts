import type { DescEnum } from "@bufbuild/protobuf";
import { type Flow, TrafficDirection } from "../../gen/flow/flow_pb.js";
import { MONITOR_EVENT } from "../../hubble/monitor-events.js";
import { enumName } from "../../message/proto-text.js";

/** Returns the names of an enum's values by number, as strings that are created once; the number for unnamed ones. */
export function enumNames(desc: DescEnum): (number: number) => string {
  const names: (string | undefined)[] = [];
  for (const { number } of desc.values)
    if (number >= 0 && number < 256) names[number] = enumName(desc, number);
  // A list without holes: V8 reads it faster.
  const known = Array.from(names, (name, number) => name ?? enumName(desc, number));
  return (number) => known[number] ?? enumName(desc, number);
}

/** The fields that {@link protocolOf} reads. */
export const PROTOCOL_READS = ["event_type", "l7.record", "l4.protocol"] as const;

/** The label `protocol`: that of layer 7 for its events, else that of layer 4; pkg/hubble/api/v1/flow.go. */
export function protocolOf({ eventType, l7, l4 }: Flow): string {
  switch (eventType?.type) {
    case MONITOR_EVENT.ACCESS_LOG:
      return layer7Name(l7?.record.case) || "Unknown L7";
    case MONITOR_EVENT.DROP:
    case MONITOR_EVENT.TRACE:
    case MONITOR_EVENT.POLICY_VERDICT:
    case MONITOR_EVENT.CAPTURE:
      return layer4Name(l4?.protocol.case);
    default:
      return "Unknown flow";
  }
}

/** The name of a protocol of layer 7; empty if it is not known. */
export function layer7Name(record: NonNullable<Flow["l7"]>["record"]["case"]): string {
  switch (record) {
    case "dns":
      return "DNS";
    case "http":
      return "HTTP";
    case "kafka":
      return "Kafka";
    default:
      return "";
  }
}

function layer4Name(protocol: NonNullable<Flow["l4"]>["protocol"]["case"]): string {
  switch (protocol) {
    case "TCP":
    case "UDP":
    case "ICMPv4":
    case "ICMPv6":
    case "SCTP":
      return protocol;
    default:
      return "Unknown L4";
  }
}

/** The label `reporter`: which end of the connection has reported the flow. */
export function reporterOf(direction: TrafficDirection): string {
  switch (direction) {
    case TrafficDirection.EGRESS:
      return "client";
    case TrafficDirection.INGRESS:
      return "server";
    default:
      return "unknown";
  }
}
