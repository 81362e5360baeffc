// Builds packets by hand, a layer at a time: each function accepts its payload.

/** Bytes from hexadecimal strings (spaces allowed), numbers and other bytes, one after the other. */
export function bytes(...parts: readonly (string | number | readonly number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === "number") return [part];
      if (typeof part !== "string") return [...part];
      return [...Buffer.from(part.replaceAll(" ", ""), "hex")];
    }),
  );
}

export function uint16(value: number): number[] {
  return [value >> 8, value & 255];
}

export const IPV4 = 0x0800;
export const IPV6 = 0x86dd;
const MAC_ADDRESSES = "020000000002 020000000001";

export function ethernet(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes(MAC_ADDRESSES, uint16(etherType), payload);
}

/** What stands behind the EtherType `tpid`: tag control, the next EtherType, the payload. */
export function tag(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes("2064", uint16(etherType), payload);
}

export function cookedV1(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes("0000 0001 0006 0200000000010000", uint16(etherType), payload);
}

export function cookedV2(etherType: number, payload: Uint8Array): Uint8Array {
  return bytes(uint16(etherType), "0000 00000002 0001 00 06 0200000000010000", payload);
}

export interface Ipv4Fields {
  readonly version?: number;
  /** In 32-bit words; 5 and the options' if absent. */
  readonly headerWords?: number;
  readonly options?: string;
  readonly protocol?: number;
  /** Flags and fragment offset, as they stand in the header. */
  readonly fragment?: number;
  readonly source?: string;
  readonly destination?: string;
}

export function ipv4(
  {
    version = 4,
    options = "",
    headerWords = 5 + options.replaceAll(" ", "").length / 8,
    protocol = 6,
    fragment = 0,
    source = "10.0.0.1",
    destination = "10.0.0.2",
  }: Ipv4Fields = {},
  payload: Uint8Array = ports(),
): Uint8Array {
  const length = 4 * headerWords + payload.length;
  return bytes(
    (version << 4) | headerWords,
    0,
    uint16(length),
    "0000",
    uint16(fragment),
    64,
    protocol,
    "0000",
    source.split(".").map(Number),
    destination.split(".").map(Number),
    options,
    payload,
  );
}

export interface Ipv6Fields {
  readonly version?: number;
  readonly nextHeader?: number;
  /** 32 hexadecimal digits, colons allowed between all of them. */
  readonly source?: string;
  readonly destination?: string;
}

export const SOURCE_V6 = "20010db8000000000000000000000001";
export const DESTINATION_V6 = "20010db8000000000000000000000002";

export function ipv6(
  { version = 6, nextHeader = 6, source = SOURCE_V6, destination = DESTINATION_V6 }: Ipv6Fields = {},
  payload: Uint8Array = ports(),
): Uint8Array {
  return bytes(version << 4, "000000", uint16(payload.length), nextHeader, 64, source, destination, payload);
}

/** One IPv6 extension header: its own number, and its bytes once the next number is known. */
export interface Extension {
  readonly number: number;
  readonly build: (next: number) => Uint8Array;
}

/** Hop-by-hop, routing, destination options, mobility: a length in units of 8 bytes after the first 8. */
export function options(number: number, units = 0): Extension {
  return { number, build: (next) => bytes(next, units, new Uint8Array(6 + 8 * units)) };
}

export function fragment(offsetAndFlags: number, reserved = 0): Extension {
  return { number: 44, build: (next) => bytes(next, reserved, uint16(offsetAndFlags), "00000001") };
}

/** A length in units of 4 bytes after the first 8. */
export function authentication(units: number): Extension {
  return { number: 51, build: (next) => bytes(next, units, new Uint8Array(6 + 4 * units)) };
}

/** An IPv6 packet with a chain of extension headers before `protocol`. */
export function ipv6Chain(
  chain: readonly Extension[],
  protocol = 6,
  payload: Uint8Array = ports(),
  fields: Ipv6Fields = {},
): Uint8Array {
  const numbers = [...chain.map(({ number }) => number), protocol];
  const headers = chain.map(({ build }, index) => build(numbers[index + 1] as number));
  return ipv6({ ...fields, nextHeader: numbers[0] as number }, bytes(...headers, payload));
}

/** The beginning of TCP, UDP and SCTP alike. */
export function ports(source = 1000, destination = 80): Uint8Array {
  return bytes(uint16(source), uint16(destination), "00000000");
}
