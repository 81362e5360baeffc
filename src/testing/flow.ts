import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../errors/check-argument.js";
import { anObject, aString, isObject, type ValueCheck } from "../errors/value-checks.js";
import {
  type Flow,
  FlowSchema,
  FlowType,
  IPVersion,
  TrafficDirection,
  Verdict,
} from "../gen/flow/flow_pb.js";
import { anInitOf } from "../message/init-check.js";
import { parseEndpoint } from "./endpoint.js";

/** What a flow of a test says of itself; all that is a field of Flow may be given as well, and counts. */
export type FlowInit = Omit<MessageInitShape<typeof FlowSchema>, "verdict" | "time"> & {
  /**
   * Where it comes from: `default/web`, `default/web:4711`, `10.0.0.1:4711`, `[fd00::1]:53`, a DNS name with a dot, or a
   * reserved identity: `world`, `host`, `remote-node`, `kube-apiserver`, `health`, `init`, `ingress`. A name alone is a
   * pod of the namespace `default`.
   */
  readonly from?: string;
  /** Where it goes, likewise. */
  readonly to?: string;
  /** `FORWARDED` by default. */
  readonly verdict?: Verdict | keyof typeof Verdict;
  /** `TCP` by default; without effect when `l4` is given. */
  readonly protocol?: "TCP" | "UDP" | "SCTP" | "ICMPv4" | "ICMPv6";
  /** None by default. */
  readonly time?: Date | MessageInitShape<typeof FlowSchema>["time"];
};

// pkg/monitor/api of Cilium v1.16.2.
const EVENT_DROP = 1;
const EVENT_TRACE = 4;
const REASON_POLICY_DENIED = 133;

/** The port of the side that begins a conversation, when none is said. */
const CLIENT_PORT = 40_000;

const OWN_FIELDS = ["from", "to", "verdict", "protocol", "time"];
const aMessageInit = anInitOf(FlowSchema, OWN_FIELDS);

const aFlowInit: ValueCheck<FlowInit> = (value, path, report) => {
  aMessageInit(value, path, report);
  if (!isObject(value)) return;
  const { from, to, time } = value as FlowInit;
  if (from !== undefined) aString(from, `${path}.from`, report);
  if (to !== undefined) aString(to, `${path}.to`, report);
  if (time !== undefined) anObject(time, `${path}.time`, report);
};

/**
 * A flow as Hubble tells of one between two pods, with what its endpoints make it: addresses, identities, labels, ports, event type,
 * drop reason. The same names always give the same addresses and identities.
 *
 * ```ts
 * flow({ from: "default/web", to: "kube-system/dns:53", protocol: "UDP", verdict: "DROPPED" });
 * ```
 *
 * @throws TypeError for an endpoint, a verdict or a protocol that cannot be read, for unknown fields and values of the wrong type.
 */
export function flow(init: FlowInit = {}): Flow {
  checkArgument("flow", "init", init, aFlowInit);
  const { from = "default/client", to = "default/server:80", protocol = "TCP", time, ...fields } = init;
  const source = parseEndpoint(from);
  const destination = parseEndpoint(to);
  const verdict = typeof fields.verdict === "string" ? verdictNamed(fields.verdict) : fields.verdict;
  const isDropped = verdict === Verdict.DROPPED;
  return create(FlowSchema, {
    Type: FlowType.L3_L4,
    IP: {
      source: source.ip,
      destination: destination.ip,
      ipVersion: source.ip.includes(":") ? IPVersion.IPv6 : IPVersion.IPv4,
    },
    l4: layerFour(protocol, source.port ?? CLIENT_PORT, destination.port ?? 80),
    source: source.endpoint,
    destination: destination.endpoint,
    sourceNames: source.names,
    destinationNames: destination.names,
    isReply: false,
    Summary: protocol === "TCP" ? "TCP Flags: SYN" : protocol,
    trafficDirection: TrafficDirection.INGRESS,
    eventType: isDropped ? { type: EVENT_DROP, subType: REASON_POLICY_DENIED } : { type: EVENT_TRACE },
    ...(isDropped && { dropReason: REASON_POLICY_DENIED, dropReasonDesc: REASON_POLICY_DENIED }),
    ...definedOf(fields),
    verdict: verdict ?? Verdict.FORWARDED,
    ...(time !== undefined && { time: time instanceof Date ? timestampFromDate(time) : time }),
    // A rest of the init shape without its type name is one again, which the compiler does not see.
  } as Exclude<MessageInitShape<typeof FlowSchema>, Flow>);
}

function layerFour(
  protocol: NonNullable<FlowInit["protocol"]>,
  sourcePort: number,
  destinationPort: number,
): NonNullable<MessageInitShape<typeof FlowSchema>["l4"]> {
  switch (protocol) {
    case "ICMPv4":
    case "ICMPv6":
      return { protocol: { case: protocol, value: { type: protocol === "ICMPv4" ? 8 : 128 } } };
    case "TCP":
      return {
        protocol: { case: protocol, value: { sourcePort, destinationPort, flags: { SYN: true } } },
      };
    case "UDP":
    case "SCTP":
      return { protocol: { case: protocol, value: { sourcePort, destinationPort } } };
    default:
      throw new TypeError(`not a protocol of flow(): ${String(protocol)} (TCP, UDP, SCTP, ICMPv4, ICMPv6)`);
  }
}

/** A misspelt verdict would make a test pass for the wrong reason. */
function verdictNamed(name: string): Verdict {
  const verdict: unknown = Verdict[name as keyof typeof Verdict];
  if (typeof verdict === "number") return verdict;
  const names = Object.keys(Verdict).filter((key) => !/^\d/.test(key));
  throw new TypeError(`not a verdict: ${name} (${names.join(", ")})`);
}

/** Without what is undefined, which would hide what the endpoints say. */
function definedOf<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
