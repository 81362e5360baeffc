// IPv4 and TCP options: a kind and, except for these two kinds, a length that includes both bytes, then data.
const END_OF_LIST = 0;
const NO_OPERATION = 1;

/** gopacket's error for the IPv4 options from `start` to `end` (layers/ip4.go); undefined if they are well-formed. */
export function ipv4OptionsFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  let at = start;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === END_OF_LIST) return undefined;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const rest = end - at;
    if (rest < 2) return `Invalid ip4 option length. Length ${rest} less than 2`;
    const length = bytes[at + 1]!;
    if (rest < length) {
      return `IP option length exceeds remaining IP header size, option type ${kind} length ${length}`;
    }
    if (length <= 2) return `Invalid IP option type ${kind} length ${length}. Must be greater than 2`;
    at += length;
  }
  return undefined;
}

/** The same for TCP options (layers/tcp.go). */
export function tcpOptionsFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  let at = start;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === END_OF_LIST) return undefined;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const rest = end - at;
    if (rest < 2) return `Invalid TCP option length. Length ${rest} less than 2`;
    const length = bytes[at + 1]!;
    if (length < 2) return `Invalid TCP option length ${length} < 2`;
    if (length > rest) return `Invalid TCP option length ${length} exceeds remaining ${rest} bytes`;
    at += length;
  }
  return undefined;
}
