/** gopacket 1.1.19's name of an IP protocol (layers/enums.go), for its error messages. */
export function protocolName(protocol: number): string {
  return NAMES.get(protocol) ?? "UnknownIPProtocol";
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, "IPv6HopByHop"],
  [1, "ICMPv4"],
  [2, "IGMP"],
  [4, "IPv4"],
  [6, "TCP"],
  [17, "UDP"],
  [27, "RUDP"],
  [41, "IPv6"],
  [43, "IPv6Routing"],
  [44, "IPv6Fragment"],
  [47, "GRE"],
  [50, "IPSecESP"],
  [51, "IPSecAH"],
  [58, "ICMPv6"],
  [59, "NoNextHeader"],
  [60, "IPv6Destination"],
  [89, "OSPF"],
  [94, "IPv4"],
  [97, "EtherIP"],
  [112, "VRRP"],
  [132, "SCTP"],
  [136, "UDPLite"],
  [137, "MPLS"],
]);
