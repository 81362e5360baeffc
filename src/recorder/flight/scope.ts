import type { FlowFilterInit } from "../../filter/filter-init.js";
import { packetPart } from "../../filter/packet-part.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { parseAddress } from "../../net/index.js";
import type { PacketPredicate } from "../../packet/filter/filter.js";
import type { LocateOptions } from "../../packet/index.js";
import type { FlightScope } from "./option-values.js";

/** The packets that belong to a trigger. */
export interface PacketScope {
  /** Equal for equal scopes. */
  readonly key: string;
  /** Undefined for all packets. */
  readonly contains: PacketPredicate | undefined;
}

export const ALL_PACKETS: PacketScope = { key: "all", contains: undefined };

/**
 * The scope of a flow; all packets if the flow has no valid addresses, as a capture with too many packets is better than
 * none.
 */
export function scopeOf(
  flow: Flow | undefined,
  scope: FlightScope,
  options: LocateOptions = {},
): PacketScope {
  if (scope === "all" || flow?.IP === undefined) return ALL_PACKETS;
  const source = addressesOf(flow.IP.source, flow.IP.sourceXlated);
  const destination = addressesOf(flow.IP.destination);
  if (source.length === 0 || destination.length === 0) return ALL_PACKETS;
  const allow =
    scope === "endpoints"
      ? filtersOfEndpoints([...source, ...destination])
      : filtersOfConversation(flow, source, destination);
  const key = JSON.stringify([allow, options]);
  const known = recent.get(key);
  if (known !== undefined) return known;
  const compiled = { key, contains: packetPart({ allow }).predicate(options) };
  if (recent.size >= RECENT_SCOPES) recent.clear();
  recent.set(key, compiled);
  return compiled;
}

/** Compiled scopes: flows that trigger one after the other are often those of one conversation. */
const recent = new Map<string, PacketScope>();
const RECENT_SCOPES = 256;
const MAX_PORT = 65_535;

/** The translated address is that of the packets after masquerading. */
function addressesOf(...addresses: readonly string[]): readonly string[] {
  return addresses.filter((address) => parseAddress(address) !== undefined);
}

/** Sorted, so that both directions have the same key. */
function filtersOfEndpoints(addresses: readonly string[]): FlowFilterInit[] {
  const sorted = [...new Set(addresses)].sort();
  return [{ sourceIp: sorted }, { destinationIp: sorted }];
}

function filtersOfConversation(
  flow: Flow,
  source: readonly string[],
  destination: readonly string[],
): FlowFilterInit[] {
  const { protocol, ports } = transportOf(flow);
  const [sourcePort, destinationPort] = ports;
  const filters: FlowFilterInit[] = [
    { sourceIp: [...source], destinationIp: [...destination], sourcePort, destinationPort, protocol },
    {
      sourceIp: [...destination],
      destinationIp: [...source],
      sourcePort: destinationPort,
      destinationPort: sourcePort,
      protocol,
    },
  ];
  return filters.sort((one, other) => compare(JSON.stringify(one), JSON.stringify(other)));
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** The protocol and ports as values of filters; empty lists do not restrict anything. */
function transportOf({ l4 }: Flow): {
  readonly protocol: string[];
  readonly ports: readonly [source: string[], destination: string[]];
} {
  const protocol = l4?.protocol;
  switch (protocol?.case) {
    case "TCP":
    case "UDP":
    case "SCTP": {
      const { sourcePort, destinationPort } = protocol.value;
      // Events may have larger numbers, which filters reject.
      if (Math.max(sourcePort, destinationPort) > MAX_PORT)
        return { protocol: [protocol.case], ports: [[], []] };
      return { protocol: [protocol.case], ports: [[String(sourcePort)], [String(destinationPort)]] };
    }
    case "ICMPv4":
    case "ICMPv6":
    case "VRRP":
    case "IGMP":
      return { protocol: [protocol.case], ports: [[], []] };
    default:
      return { protocol: [], ports: [[], []] };
  }
}
