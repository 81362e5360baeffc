import type { Flow, Layer4, Layer7, TCPFlags } from "../../gen/flow/flow_pb.js";
import { goQuote } from "../../go/strconv/quote.js";
import { goToLower } from "../../go/strings.js";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_VRRP,
} from "../../packet/headers/transport.js";
import { isFlow, MISSING_FLOW } from "../event.js";
import type { FieldCompiler } from "../field.js";
import { flagsIndex } from "../list-index/code-index.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { valueIndex, valuesIndex } from "../list-index/value-index.js";
import { compileOneOf } from "../one-of.js";

type L4Case = NonNullable<Layer4["protocol"]["case"]>;
type L7Case = NonNullable<Layer7["record"]["case"]>;

/** Names of transport protocols, and the cases of the oneof that each name covers. */
export const L4_NAMES: Readonly<Record<string, readonly L4Case[]>> = {
  icmp: ["ICMPv4", "ICMPv6"],
  icmpv4: ["ICMPv4"],
  icmpv6: ["ICMPv6"],
  tcp: ["TCP"],
  udp: ["UDP"],
  sctp: ["SCTP"],
  // Since 1.19.
  vrrp: ["VRRP"],
  igmp: ["IGMP"],
};

/** The IP protocol of each case, for kernel programs. */
export const L4_NUMBERS: { readonly [K in L4Case]: number } = {
  ICMPv4: IPPROTO_ICMP,
  ICMPv6: IPPROTO_ICMPV6,
  TCP: IPPROTO_TCP,
  UDP: IPPROTO_UDP,
  SCTP: IPPROTO_SCTP,
  VRRP: IPPROTO_VRRP,
  IGMP: IPPROTO_IGMP,
};

const L7_NAMES: Readonly<Record<string, L7Case>> = { dns: "dns", http: "http", kafka: "kafka" };

/**
 * The case of `l4` or `l7` that is set. Names are case-insensitive, lower-cased as in Go
 * (pkg/hubble/filters/protocol.go).
 */
export const protocol: FieldCompiler<"protocol"> = (values, { report }) => {
  const l4: L4Case[] = [];
  const l7: L7Case[] = [];
  let faults = 0;
  values.forEach((text, index) => {
    const name = goToLower(text);
    if (Object.hasOwn(L4_NAMES, name)) l4.push(...(L4_NAMES[name] ?? []));
    else if (Object.hasOwn(L7_NAMES, name)) l7.push(L7_NAMES[name]!);
    else {
      report(`invalid protocol filter: unknown protocol: ${goQuote(text)}`, index);
      faults++;
    }
  });
  if (faults > 0) return undefined;
  const isL4 = compileOneOf<string>(l4);
  const isL7 = compileOneOf<string>(l7);
  return {
    matches: (flow) => {
      if (l4.length > 0) {
        const ofFlow = flow.l4?.protocol.case;
        if (ofFlow !== undefined && isL4(ofFlow)) return true;
      }
      if (l7.length === 0) return false;
      const record = flow.l7?.record.case;
      return record !== undefined && isL7(record);
    },
    seen: (event) =>
      isFlow(event)
        ? [event.l4?.protocol.case, event.l7?.record.case].filter((name) => name !== undefined)
        : undefined,
    reads: ["l4", "l7"],
    readsCases: ["l4.protocol", "l7.record"],
    cost: "cheap",
    key: exactKey<string>(byProtocol, [...l4, ...l7]),
  };
};

/** The cases of both oneofs have different names. */
const byProtocol = valuesIndex(
  INDEX_COST.enumeration,
  (flow): string | undefined => flow.l4?.protocol.case,
  (flow) => flow.l7?.record.case,
);

/**
 * The TCP flags: all flags of an element must be set in the flow, which may have others (pkg/hubble/filters/tcp.go).
 */
export const tcpFlags: FieldCompiler<"tcpFlags"> = (values) => {
  const wanted = values.map(flagBits);
  return {
    matches: (flow) => {
      const bits = bitsOf(flow);
      if (bits === undefined) return false;
      for (let index = 0; index < wanted.length; index++) {
        if ((bits & wanted[index]!) === wanted[index]) return true;
      }
      return false;
    },
    seen: (event) => {
      const ofFlow = isFlow(event) ? event.l4?.protocol : undefined;
      return ofFlow?.case === "TCP" ? ofFlow.value.flags : undefined;
    },
    reads: ["l4.TCP.flags"],
    cost: "cheap",
    key: exactKey(byFlags, wanted),
  };
};

const byFlags = flagsIndex(INDEX_COST.enumeration, bitsOf);

function bitsOf(flow: Flow): number | undefined {
  const ofFlow = flow.l4?.protocol;
  if (ofFlow?.case !== "TCP" || ofFlow.value.flags === undefined) return undefined;
  return flagBits(ofFlow.value.flags);
}

/** The flags as bits, in the order of the TCP header. */
export function flagBits(flags: TCPFlags): number {
  return (
    (flags.FIN ? 1 : 0) |
    (flags.SYN ? 2 : 0) |
    (flags.RST ? 4 : 0) |
    (flags.PSH ? 8 : 0) |
    (flags.ACK ? 16 : 0) |
    (flags.URG ? 32 : 0) |
    (flags.ECE ? 64 : 0) |
    (flags.CWR ? 128 : 0) |
    (flags.NS ? 256 : 0)
  );
}

/** The IP version by number; 0 matches flows without IP (pkg/hubble/filters/ip.go). */
export const ipVersion: FieldCompiler<"ipVersion"> = (values) => {
  const isWanted = compileOneOf<number>(values);
  return {
    matches: (flow) => isWanted(flow.IP?.ipVersion ?? 0),
    seen: (event) => (isFlow(event) ? (event.IP?.ipVersion ?? 0) : undefined),
    reads: ["IP.ipVersion"],
    cost: "cheap",
    key: exactKey<number>(byIpVersion, values),
  };
};

const byIpVersion = valueIndex<number>(INDEX_COST.enumeration, (flow) => flow.IP?.ipVersion ?? 0);

/** Whether the packet was encrypted; a flow without IP and a missing flow count as not encrypted. Since 1.19. */
export const encrypted: FieldCompiler<"encrypted"> = (values) => ({
  matches: (flow) => values.includes(flow.IP?.encrypted ?? false),
  matchesOther: (event) => event === MISSING_FLOW && values.includes(false),
  seen: (event) => (isFlow(event) ? (event.IP?.encrypted ?? false) : undefined),
  reads: ["IP.encrypted"],
  cost: "cheap",
  key: exactKey(byEncrypted, values),
});

const byEncrypted = valueIndex(INDEX_COST.enumeration, (flow) => flow.IP?.encrypted ?? false);
