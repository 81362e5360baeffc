// BSD loopback: https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html. Only a 32-bit address family, in the byte order of
// the capturing machine; in https://www.tcpdump.org/linktypes/LINKTYPE_LOOP.html always in network byte order.

export const FAMILY_LENGTH = 4;
export const AF_INET = 2;
/** AF_INET6 has a different number on each system. */
export const AF_INET6_LINUX = 10;
const AF_INET6_NETBSD = 24;
const AF_INET6_FREEBSD = 28;
const AF_INET6_DARWIN = 30;
export const AF_INET6_NUMBERS: readonly number[] = [
  AF_INET6_LINUX,
  AF_INET6_NETBSD,
  AF_INET6_FREEBSD,
  AF_INET6_DARWIN,
];

/** The IP version of an address family; 0 for other protocols. */
export function versionOfFamily(family: number): 0 | 4 | 6 {
  switch (family) {
    case AF_INET:
      return 4;
    case AF_INET6_LINUX:
    case AF_INET6_NETBSD:
    case AF_INET6_FREEBSD:
    case AF_INET6_DARWIN:
      return 6;
    default:
      return 0;
  }
}
