import { create, type DescEnum } from "@bufbuild/protobuf";
import {
  DropReasonSchema,
  type FlowFilter,
  FlowFilter_ExperimentalSchema,
  type HTTPHeader,
  HTTPHeaderSchema,
  IPVersion,
  type NetworkInterface,
  NetworkInterfaceSchema,
  type TCPFlags,
  TCPFlagsSchema,
  TrafficDirection,
  VerdictSchema,
  type Workload,
  WorkloadSchema,
} from "../../../gen/flow/flow_pb.js";
import type { Result } from "../../../go/result.js";
import { parseUint } from "../../../go/strconv/parse-integer.js";
import { goQuote } from "../../../go/strconv/quote.js";
import { goToLower } from "../../../go/strings.js";
import type { HubbleRules } from "../../../hubble/rules.js";
import type { FilterFlagName } from "../flow-flags.js";
import { parseEventType } from "./event-type.js";
import type { FilterTracker } from "./tracker.js";

/** Applies a flag's value to the filters of its list. Returns the fault if the value is invalid. */
type Effect = (tracker: FilterTracker, value: string) => string | undefined;

const CLUSTER_ENDS = ends(
  "cluster",
  (filter, name) => filter.sourceClusterName.push(name),
  (filter, name) => filter.destinationClusterName.push(name),
);

const CLUSTER: { readonly [K in HubbleRules["clusterFlag"]]: Effect } = {
  node: both((filter, name) => filter.nodeName.push(`${name}/`)),
  endpoint: CLUSTER_ENDS.cluster,
};

/** Exhaustive: a flag that is added to the table does not compile until it is listed here. */
const EFFECTS: { readonly [K in FilterFlagName]: Effect } = {
  uuid: both((filter, id) => filter.uuid.push(id)),
  "node-name": both((filter, name) => filter.nodeName.push(name)),
  "node-label": both((filter, selector) => filter.nodeLabels.push(selector)),
  ...CLUSTER_ENDS,
  cluster: (tracker, name) => CLUSTER[tracker.rules.clusterFlag](tracker, name),
  protocol: both((filter, name) => filter.protocol.push(name)),
  "tcp-flags": bothOf(parseTcpFlags, (filter, flags) => filter.tcpFlags.push(flags)),
  type: bothOf(parseEventType, (filter, type) => filter.eventType.push(type)),
  verdict: bothOf(parseVerdict, (filter, number) => filter.verdict.push(number)),
  "drop-reason-desc": bothOf(parseDropReason, (filter, number) => filter.dropReasonDesc.push(number)),
  "http-status": both((filter, status) => filter.httpStatusCode.push(status)),
  "http-method": both((filter, method) => filter.httpMethod.push(method)),
  "http-path": both((filter, pattern) => filter.httpPath.push(pattern)),
  "http-url": both((filter, pattern) => filter.httpUrl.push(pattern)),
  "http-header": bothOf(parseHeader, (filter, header) => filter.httpHeader.push(header)),
  "trace-id": both((filter, id) => filter.traceId.push(id)),
  "ip-trace-id": bothOf(parseIpTraceId, (filter, id) => filter.ipTraceId.push(id)),
  encrypted: both((filter) => filter.encrypted.push(true)),
  unencrypted: both((filter) => filter.encrypted.push(false)),
  ...ends(
    "fqdn",
    (filter, name) => filter.sourceFqdn.push(name),
    (filter, name) => filter.destinationFqdn.push(name),
  ),
  ...ends(
    "ip",
    (filter, address) => filter.sourceIp.push(address),
    (filter, address) => filter.destinationIp.push(address),
  ),
  "snat-ip": both((filter, address) => filter.sourceIpXlated.push(address)),
  ipv4: both((filter) => filter.ipVersion.push(IPVersion.IPv4)),
  ipv6: both((filter) => filter.ipVersion.push(IPVersion.IPv6)),
  "ip-version": both((filter, text) => filter.ipVersion.push(readIpVersion(text))),
  pod: (tracker, name) => tracker.addName("pod", "either", name),
  "from-pod": (tracker, name) => tracker.addName("pod", "source", name),
  "to-pod": (tracker, name) => tracker.addName("pod", "destination", name),
  namespace: (tracker, namespace) => tracker.addNamespace("either", namespace),
  "from-namespace": (tracker, namespace) => tracker.addNamespace("source", namespace),
  "to-namespace": (tracker, namespace) => tracker.addNamespace("destination", namespace),
  "all-namespaces": (tracker) => tracker.addNamespace("either", ""),
  "from-all-namespaces": (tracker) => tracker.addNamespace("source", ""),
  "to-all-namespaces": (tracker) => tracker.addNamespace("destination", ""),
  ...ends(
    "label",
    (filter, selector) => filter.sourceLabel.push(selector),
    (filter, selector) => filter.destinationLabel.push(selector),
  ),
  service: (tracker, name) => tracker.addName("service", "either", name),
  "from-service": (tracker, name) => tracker.addName("service", "source", name),
  "to-service": (tracker, name) => tracker.addName("service", "destination", name),
  ...ends(
    "port",
    (filter, port) => filter.sourcePort.push(port),
    (filter, port) => filter.destinationPort.push(port),
  ),
  ...endsOf(
    "workload",
    parseWorkload,
    (filter, workload) => filter.sourceWorkload.push(workload),
    (filter, workload) => filter.destinationWorkload.push(workload),
  ),
  ...endsOf(
    "identity",
    parseIdentity,
    (filter, identity) => filter.sourceIdentity.push(identity),
    (filter, identity) => filter.destinationIdentity.push(identity),
  ),
  "traffic-direction": bothOf(parseDirection, (filter, number) => filter.trafficDirection.push(number)),
  "cel-expression": both((filter, expression) => {
    filter.experimental ??= create(FlowFilter_ExperimentalSchema);
    filter.experimental.celExpression.push(expression);
  }),
  interface: bothOf(parseInterface, (filter, device) => filter.interface.push(device)),
};

/** Applies the value of a filter flag to its list. Returns Hubble's error text if the value is invalid. */
export function setFilterFlag(
  tracker: FilterTracker,
  flag: FilterFlagName,
  value: string,
): string | undefined {
  return tracker.note(flag) ?? EFFECTS[flag](tracker, value);
}

type Change<T> = (filter: FlowFilter, value: T) => void;
type Parse<T> = (text: string, rules: HubbleRules) => Result<T>;
type Ends<Name extends string> = Record<Name | `from-${Name}` | `to-${Name}`, Effect>;

/** A flag that changes the left and the right filter in the same way. */
function both(change: Change<string>): Effect {
  return bothOf(asText, change);
}

function bothOf<T>(parse: Parse<T>, change: Change<T>): Effect {
  return effect(parse, change, change);
}

/** The three flags for the source, the destination, or either end of a flow. */
function ends<Name extends string>(
  name: Name,
  source: Change<string>,
  destination: Change<string>,
): Ends<Name> {
  return endsOf(name, asText, source, destination);
}

function endsOf<Name extends string, T>(
  name: Name,
  parse: Parse<T>,
  source: Change<T>,
  destination: Change<T>,
): Ends<Name> {
  const table = {
    [name]: effect(parse, source, destination),
    [`from-${name}`]: effect(parse, source, source),
    [`to-${name}`]: effect(parse, destination, destination),
  };
  // TypeScript widens computed keys to string; these are the three names.
  return table as Ends<Name>;
}

function effect<T>(parse: Parse<T>, left: Change<T>, right: Change<T>): Effect {
  return (tracker, text) => {
    const parsed = parse(text, tracker.rules);
    if ("fault" in parsed) return parsed.fault;
    tracker.change(
      (filter) => left(filter, parsed.value),
      (filter) => right(filter, parsed.value),
    );
    return undefined;
  };
}

function asText(text: string): Result<string> {
  return { value: text };
}

function parseIpTraceId(text: string): Result<bigint> {
  // Hubble compares the text, so that 00 is accepted.
  if (text === "0") return { fault: "invalid --ip-trace-id value; must be greater than 0" };
  const parsed = parseUint(text, 10, 64);
  return "fault" in parsed ? { fault: `invalid --ip-trace-id value: ${parsed.fault}` } : parsed;
}

const TCP_FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"] as const;

function parseTcpFlags(text: string): Result<TCPFlags> {
  const flags = create(TCPFlagsSchema);
  for (const part of text.split(",")) {
    const upper = goToUpper(part);
    const flag = TCP_FLAGS.find((name) => name === upper);
    if (flag === undefined) return { fault: `unknown tcp flag: ${part}` };
    flags[flag] = true;
  }
  return { value: flags };
}

/**
 * Go's `strings.ToUpper` as far as the result is ASCII: each character maps to exactly one, so `ﬁ` does not become
 * `FI`.
 */
function goToUpper(text: string): string {
  return Array.from(text, (character) => {
    const upper = character.toUpperCase();
    return upper.length === character.length ? upper : character;
  }).join("");
}

function readIpVersion(text: string): IPVersion {
  switch (goToLower(text)) {
    case "4":
    case "v4":
    case "ipv4":
    case "ip4":
      return IPVersion.IPv4;
    case "6":
    case "v6":
    case "ipv6":
    case "ip6":
      return IPVersion.IPv6;
    default:
      return IPVersion.IP_NOT_USED;
  }
}

function numberOf({ values }: DescEnum, name: string): number | undefined {
  return values.find((value) => value.name === name)?.number;
}

function parseVerdict(name: string): Result<number> {
  const value = numberOf(VerdictSchema, name);
  return value === undefined ? { fault: `invalid --verdict value: ${name}` } : { value };
}

function parseDropReason(name: string): Result<number> {
  if (name === "") return { fault: "empty --drop-reason-desc value" };
  const value = numberOf(DropReasonSchema, name);
  return value === undefined ? { fault: `invalid --drop-reason-desc value: ${name}` } : { value };
}

function parseHeader(text: string): Result<HTTPHeader> {
  const colon = text.indexOf(":");
  if (colon < 0) return { fault: `invalid http-header value ${goQuote(text)}, expected name:value` };
  return { value: create(HTTPHeaderSchema, { key: text.slice(0, colon), value: text.slice(colon + 1) }) };
}

function parseWorkload(text: string): Result<Workload> {
  const slash = text.indexOf("/");
  const [kind, name] = slash < 0 ? ["", text] : [text.slice(0, slash), text.slice(slash + 1)];
  return { value: create(WorkloadSchema, { kind, name }) };
}

const RESERVED_IDENTITIES: ReadonlyMap<string, number> = new Map([
  ["host", 1],
  ["world", 2],
  ["unmanaged", 3],
  ["health", 4],
  ["init", 5],
  ["remote-node", 6],
  ["kube-apiserver", 7],
  ["ingress", 8],
  ["world-ipv4", 9],
  ["world-ipv6", 10],
  ["overlay-to-encrypt", 11],
]);

/** Hubble v1.16.2 accepts the last name, but its error text shows the number instead. */
const SHOWN_IDENTITIES = [...RESERVED_IDENTITIES.keys()].slice(0, -1).join(" ");

function parseIdentity(text: string): Result<number> {
  const reserved = RESERVED_IDENTITIES.get(text);
  if (reserved !== undefined) return { value: reserved };
  const parsed = parseUint(text, 0, 32);
  if ("value" in parsed) return { value: Number(parsed.value) };
  return { fault: `invalid security identity, expected one of [${SHOWN_IDENTITIES} 11] or a numeric value` };
}

function parseDirection(text: string): Result<TrafficDirection> {
  const lower = goToLower(text);
  if (lower === "ingress") return { value: TrafficDirection.INGRESS };
  if (lower === "egress") return { value: TrafficDirection.EGRESS };
  return { fault: `${lower}: invalid traffic direction, expected ingress or egress` };
}

function parseInterface(name: string): Result<NetworkInterface> {
  return { value: create(NetworkInterfaceSchema, { name }) };
}
