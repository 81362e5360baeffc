import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../errors/check-argument.js";
import { describeValue } from "../errors/describe-value.js";
import {
  aDate,
  aListOf,
  anObject,
  aString,
  isDate,
  isObject,
  oneOf,
  type ReportIssue,
  type ValueCheck,
} from "../errors/value-checks.js";
import { suggestVerdict } from "../filter/filter-init.js";
import {
  type Flow,
  FlowSchema,
  FlowType,
  IPVersion,
  TrafficDirection,
  Verdict,
} from "../gen/flow/flow_pb.js";
import { goQuote } from "../go/strconv/quote.js";
import { anInitOf } from "../message/init-check.js";
import { tcpSummary } from "../packet/flow/summary.js";
import { isIpv6Endpoint, parseEndpoint } from "./endpoint.js";
import { aDnsInit, anHttpInit, type DnsInit, dnsLayer, type HttpInit, httpLayer } from "./layer-7.js";

/** Description of a test flow. Fields of Flow may be given as well and take precedence. */
export type FlowInit = Omit<MessageInitShape<typeof FlowSchema>, "verdict" | "time"> & {
  /**
   * Source: `default/web`, `default/web:4711`, `10.0.0.1:4711`, `[fd00::1]:53`, a DNS name with a dot, or a reserved
   * identity: `world`, `host`, `remote-node`, `kube-apiserver`, `health`, `init`, `ingress`, `unmanaged`. A name
   * without a namespace is a pod in the namespace `default`.
   */
  readonly from?: string;
  /** Destination, in the same notation. */
  readonly to?: string;
  /** Default `FORWARDED`. */
  readonly verdict?: Verdict | keyof typeof Verdict;
  /** Default `TCP`, or `UDP` with `dns`. `l4` overrides it. */
  readonly protocol?: "TCP" | "UDP" | "SCTP" | "ICMPv4" | "ICMPv6";
  /** Flags of a TCP packet, such as `["SYN", "ACK"]`; default `["SYN"]`. */
  readonly tcpFlags?: readonly TcpFlag[];
  /** Makes it a layer 7 flow, as Hubble's proxy reports HTTP requests or responses; not with `dns` or `tcpFlags`. */
  readonly http?: HttpInit;
  /** Makes it a layer 7 flow, as Hubble's proxy reports DNS queries or responses; not with `http` or `tcpFlags`. */
  readonly dns?: DnsInit;
  /** Default unset. */
  readonly time?: Date | MessageInitShape<typeof FlowSchema>["time"];
};

/** A flag of a TCP header. */
export type TcpFlag = "FIN" | "SYN" | "RST" | "PSH" | "ACK" | "URG" | "ECE" | "CWR" | "NS";

/** Flags with their bits, as in {@link tcpSummary}. */
const TCP_FLAGS: Readonly<Record<TcpFlag, number>> = {
  ...{ FIN: 0x001, SYN: 0x002, RST: 0x004, PSH: 0x008, ACK: 0x010 },
  ...{ URG: 0x020, ECE: 0x040, CWR: 0x080, NS: 0x100 },
};

// Event types and drop reason in pkg/monitor/api of Cilium v1.16.2.
const EVENT_DROP = 1;
const EVENT_TRACE = 4;
const EVENT_L7 = 129;
const REASON_POLICY_DENIED = 133;

/** Default port of the client. */
const CLIENT_PORT = 40_000;

const DNS_PORT = 53;
const HTTP_PORT = 80;

const OWN_FIELDS = ["from", "to", "verdict", "protocol", "time", "tcpFlags", "http", "dns"];
const aTcpFlagList = aListOf(oneOf(...(Object.keys(TCP_FLAGS) as TcpFlag[])));
const aMessageInit = anInitOf(FlowSchema, OWN_FIELDS);

const aFlowInit: ValueCheck<FlowInit> = (value, path, report) => {
  aMessageInit(value, path, report);
  if (!isObject(value)) return;
  const { from, to, time, tcpFlags, http, dns } = value as FlowInit;
  if (from !== undefined) aString(from, `${path}.from`, report);
  if (to !== undefined) aString(to, `${path}.to`, report);
  if (isDate(time)) aDate(time, `${path}.time`, report);
  else if (time !== undefined) anObject(time, `${path}.time`, report);
  if (tcpFlags !== undefined) aTcpFlagList(tcpFlags, `${path}.tcpFlags`, report);
  if (http !== undefined) anHttpInit(http, `${path}.http`, report);
  if (dns !== undefined) aDnsInit(dns, `${path}.dns`, report);
  checkTogether(value as FlowInit, path, report);
};

function checkTogether({ protocol, tcpFlags, http, dns }: FlowInit, path: string, report: ReportIssue): void {
  const given = Object.entries({ tcpFlags, http, dns }).filter(([, one]) => one !== undefined);
  const [[name] = [], [other] = []] = given;
  if (other !== undefined) report(`${path}.${other}`, `cannot be given together with ${name}`);
  const isTcp = protocol === undefined || protocol === "TCP";
  if ((name === "tcpFlags" || name === "http") && !isTcp) {
    report(`${path}.${name}`, `needs the protocol TCP, not ${describeValue(protocol)}`);
  }
}

/**
 * Creates a flow as Hubble reports it, by default between two pods. Addresses, identities, labels, ports, event type
 * and drop reason are derived from `init`. The same names always get the same addresses and identities.
 *
 * ```ts
 * flow({ from: "default/web", to: "kube-system/dns:53", protocol: "UDP", verdict: "DROPPED" });
 * flow({ from: "default/web", to: "default/db:5432", tcpFlags: ["SYN", "ACK"], isReply: true });
 * flow({ from: "default/web", to: "shop/cart:8080", http: { method: "POST", url: "http://cart/add" } });
 * flow({ from: "default/web", dns: { query: "example.com." } });
 * ```
 *
 * @throws TypeError for an invalid endpoint, verdict or protocol, for unknown fields, and for type mismatches.
 */
export function flow(init: FlowInit = {}): Flow {
  checkArgument("flow", "init", init, aFlowInit);
  const { from, to, protocol, time, tcpFlags, http, dns, ...fields } = init;
  const layer7 = http !== undefined ? httpLayer(http) : dns !== undefined ? dnsLayer(dns) : undefined;
  const [client, server] = dns === undefined ? DEFAULT_ENDS : DNS_ENDS;
  // A response goes in the opposite direction.
  const [defaultFrom, defaultTo] = layer7?.isResponse === true ? [server, client] : [client, server];
  const texts = { from: from ?? defaultFrom, to: to ?? defaultTo };
  const isIpv6 = isIpv6Endpoint(texts.from) || isIpv6Endpoint(texts.to);
  const source = parseEndpoint(texts.from, isIpv6);
  const destination = parseEndpoint(texts.to, isIpv6);
  const serverPort = dns === undefined ? HTTP_PORT : DNS_PORT;
  const [sourcePort, destinationPort] =
    layer7?.isResponse === true ? [serverPort, CLIENT_PORT] : [CLIENT_PORT, serverPort];
  const verdict = typeof fields.verdict === "string" ? verdictNamed(fields.verdict) : fields.verdict;
  const isDropped = verdict === Verdict.DROPPED && layer7 === undefined;
  const transport = {
    protocol: protocol ?? (dns === undefined ? "TCP" : "UDP"),
    sourcePort: source.port ?? sourcePort,
    destinationPort: destination.port ?? destinationPort,
    // The proxy does not see TCP headers.
    tcpFlags: layer7 === undefined ? (tcpFlags ?? ["SYN"]) : undefined,
  } as const;
  return create(FlowSchema, {
    Type: layer7 === undefined ? FlowType.L3_L4 : FlowType.L7,
    IP: {
      source: source.ip,
      destination: destination.ip,
      ipVersion: source.ip.includes(":") ? IPVersion.IPv6 : IPVersion.IPv4,
    },
    l4: layerFour(transport),
    ...(layer7 && { l7: layer7.message }),
    source: source.endpoint,
    destination: destination.endpoint,
    sourceNames: source.names,
    destinationNames: destination.names,
    isReply: layer7?.isResponse === true,
    Summary: layer7?.summary ?? transportSummary(transport),
    trafficDirection: TrafficDirection.INGRESS,
    eventType: isDropped
      ? { type: EVENT_DROP, subType: REASON_POLICY_DENIED }
      : { type: layer7 === undefined ? EVENT_TRACE : EVENT_L7 },
    ...(isDropped && { dropReason: REASON_POLICY_DENIED, dropReasonDesc: REASON_POLICY_DENIED }),
    ...definedOf(fields),
    verdict: verdict ?? Verdict.FORWARDED,
    ...(time !== undefined && { time: isDate(time) ? timestampFromDate(time) : time }),
    // The compiler does not see that the rest of an init shape without its type name is an init shape.
  } as Exclude<MessageInitShape<typeof FlowSchema>, Flow>);
}

/** Default endpoints. */
const DEFAULT_ENDS = ["default/client", "default/server"] as const;
const DNS_ENDS = ["default/client", "kube-system/kube-dns"] as const;

interface Transport {
  readonly protocol: NonNullable<FlowInit["protocol"]>;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: readonly TcpFlag[] | undefined;
}

function layerFour({
  protocol,
  sourcePort,
  destinationPort,
  tcpFlags,
}: Transport): NonNullable<MessageInitShape<typeof FlowSchema>["l4"]> {
  switch (protocol) {
    case "ICMPv4":
    case "ICMPv6":
      return { protocol: { case: protocol, value: { type: protocol === "ICMPv4" ? 8 : 128 } } };
    case "TCP": {
      const flags = tcpFlags && Object.fromEntries(tcpFlags.map((name) => [name, true]));
      return {
        protocol: { case: protocol, value: { sourcePort, destinationPort, ...(flags && { flags }) } },
      };
    }
    case "UDP":
    case "SCTP":
      return { protocol: { case: protocol, value: { sourcePort, destinationPort } } };
    default:
      throw new TypeError(
        `flow: init.protocol must be one of TCP, UDP, SCTP, ICMPv4, ICMPv6, not ${String(protocol)}`,
      );
  }
}

function transportSummary({ protocol, tcpFlags = [] }: Transport): string {
  if (protocol !== "TCP") return protocol;
  return tcpSummary(tcpFlags.reduce((bits, name) => bits | TCP_FLAGS[name], 0));
}

/** Rejects unknown names, because a misspelled verdict could make a test pass for the wrong reason. */
function verdictNamed(name: string): Verdict {
  const verdict: unknown = Verdict[name as keyof typeof Verdict];
  if (typeof verdict === "number") return verdict;
  const names = Object.keys(Verdict).filter((key) => !/^\d/.test(key));
  const meant = suggestVerdict(name);
  throw new TypeError(
    `flow: init.verdict must be one of ${names.join(", ")}, not ${goQuote(name)}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
  );
}

/** Removes undefined fields, which would override the derived ones. */
function definedOf<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
