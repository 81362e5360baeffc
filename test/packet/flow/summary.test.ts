import { describe, expect, test } from "vitest";
import { icmpv4Name, icmpv6Name } from "../../../src/packet/flow/icmp-name.js";
import {
  icmpv4Summary,
  icmpv6Summary,
  igmpSummary,
  tcpSummary,
  vrrpSummary,
} from "../../../src/packet/flow/summary.js";

describe("decodeFlows: summary of ICMP types and codes", () => {
  test.each([
    { type: 0, names: ["EchoReply", "EchoReply(Code: 1)"] },
    { type: 1, names: ["1(0)", "1(1)"] },
    {
      type: 3,
      names:
        "Net Host Protocol Port FragmentationNeeded SourceRoutingFailed NetUnknown HostUnknown SourceIsolated NetAdminProhibited HostAdminProhibited NetTOS HostTOS CommAdminProhibited HostPrecedence PrecedenceCutoff"
          .split(" ")
          .map((code) => `DestinationUnreachable(${code})`)
          .concat("DestinationUnreachable(Code: 16)"),
    },
    { type: 4, names: ["SourceQuench"] },
    {
      type: 5,
      names: [
        "Redirect(Net)",
        "Redirect(Host)",
        "Redirect(TOS+Net)",
        "Redirect(TOS+Host)",
        "Redirect(Code: 4)",
      ],
    },
    { type: 8, names: ["EchoRequest", "EchoRequest(Code: 1)"] },
    { type: 9, names: ["RouterAdvertisement"] },
    { type: 10, names: ["RouterSolicitation"] },
    {
      type: 11,
      names: [
        "TimeExceeded(TTLExceeded)",
        "TimeExceeded(FragmentReassemblyTimeExceeded)",
        "TimeExceeded(Code: 2)",
      ],
    },
    {
      type: 12,
      names: [
        "ParameterProblem(PointerIndicatesError)",
        "ParameterProblem(MissingOption)",
        "ParameterProblem(BadLength)",
        "ParameterProblem(Code: 3)",
      ],
    },
    { type: 13, names: ["TimestampRequest"] },
    { type: 14, names: ["TimestampReply"] },
    { type: 15, names: ["InfoRequest"] },
    { type: 16, names: ["InfoReply"] },
    { type: 17, names: ["AddressMaskRequest"] },
    { type: 18, names: ["AddressMaskReply"] },
    { type: 42, names: ["42(0)", "42(1)"] },
  ])("ICMPv4 type $type", ({ type, names }) => {
    expect(names.map((_, code) => icmpv4Name(type, code))).toEqual(names);
    expect(icmpv4Summary(type, 0)).toBe(`ICMPv4 ${names[0]}`);
    expect(icmpv4Summary(type, 0)).toBe(`ICMPv4 ${names[0]}`);
  });

  test.each([
    {
      type: 1,
      names:
        "NoRouteToDst AdminProhibited BeyondScopeOfSrc AddressUnreachable PortUnreachable SrcAddressFailedPolicy RejectRouteToDst"
          .split(" ")
          .map((code) => `DestinationUnreachable(${code})`)
          .concat("DestinationUnreachable(Code: 7)"),
    },
    { type: 2, names: ["PacketTooBig", "PacketTooBig(Code: 1)"] },
    {
      type: 3,
      names: [
        "TimeExceeded(HopLimitExceeded)",
        "TimeExceeded(FragmentReassemblyTimeExceeded)",
        "TimeExceeded(Code: 2)",
      ],
    },
    {
      type: 4,
      names: [
        "ParameterProblem(ErroneousHeaderField)",
        "ParameterProblem(UnrecognizedNextHeader)",
        "ParameterProblem(UnrecognizedIPv6Option)",
        "ParameterProblem(Code: 3)",
      ],
    },
    { type: 128, names: ["EchoRequest"] },
    { type: 129, names: ["EchoReply"] },
    ...[130, 131, 132, 143].map((type) => ({ type, names: [`${type}(0)`] })),
    { type: 133, names: ["RouterSolicitation"] },
    { type: 134, names: ["RouterAdvertisement"] },
    { type: 135, names: ["NeighborSolicitation"] },
    { type: 136, names: ["NeighborAdvertisement"] },
    { type: 137, names: ["Redirect"] },
  ])("ICMPv6 type $type", ({ type, names }) => {
    expect(names.map((_, code) => icmpv6Name(type, code))).toEqual(names);
    expect(icmpv6Summary(type, 0)).toBe(`ICMPv6 ${names[0]}`);
  });
});

test.each([
  { flags: 0x002, summary: "TCP Flags: SYN" },
  { flags: 0x012, summary: "TCP Flags: SYN, ACK" },
  { flags: 0x018, summary: "TCP Flags: ACK, PSH" },
  { flags: 0x011, summary: "TCP Flags: ACK, FIN" },
  { flags: 0x014, summary: "TCP Flags: ACK, RST" },
  { flags: 0x000, summary: "TCP Flags: " },
  { flags: 0x100, summary: "TCP Flags: NS" },
  { flags: 0x1ff, summary: "TCP Flags: SYN, ACK, RST, FIN, PSH, URG, ECE, CWR, NS" },
])("decodeFlows: summary of TCP flags $flags: $summary", ({ flags, summary }) => {
  expect(tcpSummary(flags)).toBe(summary);
  expect(tcpSummary(flags)).toBe(summary);
});

test.each([
  { type: 0x11, summary: "IGMP IGMP Membership Query" },
  { type: 0x12, summary: "IGMP IGMPv1 Membership Report" },
  { type: 0x16, summary: "IGMP IGMPv2 Membership Report" },
  { type: 0x17, summary: "IGMP Leave Group" },
  { type: 0x22, summary: "IGMP IGMPv3 Membership Report" },
  { type: 0x13, summary: "IGMP " },
])("decodeFlows: summary of IGMP type $type: $summary", ({ type, summary }) => {
  expect(igmpSummary(type)).toBe(summary);
});

test("decodeFlows: summary of VRRP, which has one type", () => {
  expect([1, 2].map(vrrpSummary)).toEqual(["VRRP VRRPv2 Advertisement", "VRRP "]);
});
