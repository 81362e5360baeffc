interface IcmpType {
  readonly name: string;
  /** Names by code; absent if gopacket names none for the type. */
  readonly codes?: Readonly<Record<number, string>>;
}

/**
 * gopacket's name of an ICMPv4 type and code: `EchoRequest`, `DestinationUnreachable(Port)`, `Redirect(Code: 9)`,
 * `42(0)`.
 */
export function icmpv4Name(type: number, code: number): string {
  return formatTypeCode(ICMPV4_TYPES[type], type, code);
}

/** gopacket's name of an ICMPv6 type and code; it has no names for multicast listener discovery: `143(0)`. */
export function icmpv6Name(type: number, code: number): string {
  return formatTypeCode(ICMPV6_TYPES[type], type, code);
}

function formatTypeCode(known: IcmpType | undefined, type: number, code: number): string {
  if (known === undefined) return `${type}(${code})`;
  if (known.codes === undefined && code === 0) return known.name;
  return `${known.name}(${known.codes?.[code] ?? `Code: ${code}`})`;
}

const ICMPV4_TYPES: Readonly<Record<number, IcmpType>> = {
  0: { name: "EchoReply" },
  3: {
    name: "DestinationUnreachable",
    codes: {
      0: "Net",
      1: "Host",
      2: "Protocol",
      3: "Port",
      4: "FragmentationNeeded",
      5: "SourceRoutingFailed",
      6: "NetUnknown",
      7: "HostUnknown",
      8: "SourceIsolated",
      9: "NetAdminProhibited",
      10: "HostAdminProhibited",
      11: "NetTOS",
      12: "HostTOS",
      13: "CommAdminProhibited",
      14: "HostPrecedence",
      15: "PrecedenceCutoff",
    },
  },
  4: { name: "SourceQuench" },
  5: { name: "Redirect", codes: { 0: "Net", 1: "Host", 2: "TOS+Net", 3: "TOS+Host" } },
  8: { name: "EchoRequest" },
  9: { name: "RouterAdvertisement" },
  10: { name: "RouterSolicitation" },
  11: { name: "TimeExceeded", codes: { 0: "TTLExceeded", 1: "FragmentReassemblyTimeExceeded" } },
  12: {
    name: "ParameterProblem",
    codes: { 0: "PointerIndicatesError", 1: "MissingOption", 2: "BadLength" },
  },
  13: { name: "TimestampRequest" },
  14: { name: "TimestampReply" },
  15: { name: "InfoRequest" },
  16: { name: "InfoReply" },
  17: { name: "AddressMaskRequest" },
  18: { name: "AddressMaskReply" },
};

const ICMPV6_TYPES: Readonly<Record<number, IcmpType>> = {
  1: {
    name: "DestinationUnreachable",
    codes: {
      0: "NoRouteToDst",
      1: "AdminProhibited",
      2: "BeyondScopeOfSrc",
      3: "AddressUnreachable",
      4: "PortUnreachable",
      5: "SrcAddressFailedPolicy",
      6: "RejectRouteToDst",
    },
  },
  2: { name: "PacketTooBig" },
  3: { name: "TimeExceeded", codes: { 0: "HopLimitExceeded", 1: "FragmentReassemblyTimeExceeded" } },
  4: {
    name: "ParameterProblem",
    codes: { 0: "ErroneousHeaderField", 1: "UnrecognizedNextHeader", 2: "UnrecognizedIPv6Option" },
  },
  128: { name: "EchoRequest" },
  129: { name: "EchoReply" },
  133: { name: "RouterSolicitation" },
  134: { name: "RouterAdvertisement" },
  135: { name: "NeighborSolicitation" },
  136: { name: "NeighborAdvertisement" },
  137: { name: "Redirect" },
};
