// Protocol numbers: https://www.iana.org/assignments/protocol-numbers

export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPV4 = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_IPIP = 94;
export const IPPROTO_VRRP = 112;
export const IPPROTO_SCTP = 132;

/** The protocols whose headers begin with the source port and the destination port, two bytes each. */
export const PROTOCOLS_WITH_PORTS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP];
export const DESTINATION_PORT = 2;
export const PORTS_LENGTH = 4;

/** UDP: length of header and payload (https://www.rfc-editor.org/rfc/rfc768). */
export const UDP_LENGTH = 4;
export const UDP_HEADER_LENGTH = 8;

/** TCP: data offset with NS as the lowest bit, then the other eight flags (RFC 3540, RFC 3168, RFC 9293). */
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_FLAGS_END = 14;
export const TCP_MIN_LENGTH = 20;

/** Whether the protocol is one of {@link PROTOCOLS_WITH_PORTS}. */
export function hasPorts(protocol: number): boolean {
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP;
}
