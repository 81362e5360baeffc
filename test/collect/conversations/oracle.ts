// A second implementation of conversations, without bounds and ends: all flows of a key at once.
import { DropReason, type Flow, Verdict } from "../../../src/gen/flow/flow_pb.js";

interface Counted {
  readonly protocol: string;
  readonly initiator: string;
  readonly responder: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly flows: { readonly forward: number; readonly reply: number };
  readonly verdicts: Record<string, number>;
  readonly dropReasons: Record<string, number>;
  readonly nodes: readonly string[];
  readonly flags: readonly string[];
}

const REPLIES: Readonly<Record<string, number>> = {
  "ICMPv4 0": 8,
  "ICMPv4 14": 13,
  "ICMPv4 16": 15,
  "ICMPv4 18": 17,
  "ICMPv6 129": 128,
};

/** What the conversations of these flows have in common with those of `createConversations`, by key and sorted. */
export function naiveConversations(flows: readonly Flow[]): Counted[] {
  const groups = new Map<string, Flow[]>();
  for (const flow of flows) {
    if (flow.time === undefined || !flow.IP?.source || !flow.IP.destination) continue;
    const { case: protocol = "unknown", value } = flow.l4?.protocol ?? {};
    const type = String(protocol).startsWith("ICMP") ? (value as { type: number }).type : undefined;
    const kind = type === undefined ? protocol : `${protocol} ${REPLIES[`${protocol} ${type}`] ?? type}`;
    const key = JSON.stringify([kind, [sourceOf(flow), destinationOf(flow)].sort()]);
    groups.set(key, [...(groups.get(key) ?? []), flow]);
  }
  return [...groups.values()].map(describe).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function describe(flows: readonly Flow[]): Counted {
  const ordered = [...flows].sort((a, b) => millisecondsOf(a) - millisecondsOf(b));
  const initiator = initiatorOf(ordered);
  const first = ordered[0]!;
  const responder = sourceOf(first) === initiator ? destinationOf(first) : sourceOf(first);
  const from = (flow: Flow) =>
    initiator === responder ? flow.isReply !== true && !answers(flow) : sourceOf(flow) === initiator;
  const reasons = flows
    .map((flow) => flow.dropReasonDesc || flow.dropReason)
    .filter((reason) => reason !== 0);
  const flags = flows.flatMap((flow) => {
    const protocol = flow.l4?.protocol;
    const set = protocol?.case === "TCP" ? protocol.value.flags : undefined;
    return Object.entries(set ?? {}).flatMap(([name, value]) => (value === true ? [name] : []));
  });
  return {
    protocol: first.l4?.protocol.case ?? "unknown",
    initiator,
    responder,
    firstMs: millisecondsOf(first),
    lastMs: millisecondsOf(ordered.at(-1)!),
    flows: { forward: flows.filter(from).length, reply: flows.filter((flow) => !from(flow)).length },
    verdicts: countBy(flows.map(({ verdict }) => Verdict[verdict] ?? String(verdict))),
    dropReasons: countBy(reasons.map((reason) => DropReason[reason] ?? String(reason))),
    nodes: [...new Set(flows.map(({ nodeName }) => nodeName))].filter(Boolean).sort(),
    flags: [...new Set(flags)].sort(),
  };
}

/** The earliest flow that says who opened the conversation. */
function initiatorOf(ordered: readonly Flow[]): string {
  const told = ordered.find(({ isReply }) => isReply !== undefined);
  if (told !== undefined) return told.isReply === true ? destinationOf(told) : sourceOf(told);
  for (const flow of ordered) {
    const { case: name, value } = flow.l4?.protocol ?? {};
    if (name === "TCP" && value?.flags?.SYN) return value.flags.ACK ? destinationOf(flow) : sourceOf(flow);
    if (name !== "ICMPv4" && name !== "ICMPv6") continue;
    const type = `${name} ${value?.type}`;
    if (REPLIES[type] !== undefined) return destinationOf(flow);
    if (Object.entries(REPLIES).some(([key, request]) => `${key.split(" ")[0]} ${request}` === type)) {
      return sourceOf(flow);
    }
  }
  return sourceOf(ordered[0]!);
}

/** Of a flow that does not say whether it is a reply. */
function answers({ isReply, l4 }: Flow): boolean {
  const { case: name, value } = l4?.protocol ?? {};
  if (isReply !== undefined || name === undefined) return false;
  if (name === "TCP") return value?.flags?.SYN === true && value.flags.ACK;
  return REPLIES[`${name} ${(value as { type?: number }).type}`] !== undefined;
}

function sourceOf({ IP, l4 }: Flow): string {
  const { sourcePort } = (l4?.protocol.value ?? {}) as { sourcePort?: number };
  return sourcePort === undefined ? IP!.source : `${IP!.source} ${sourcePort}`;
}

function destinationOf({ IP, l4 }: Flow): string {
  const { destinationPort } = (l4?.protocol.value ?? {}) as { destinationPort?: number };
  return destinationPort === undefined ? IP!.destination : `${IP!.destination} ${destinationPort}`;
}

function millisecondsOf({ time }: Flow): number {
  return Number(time!.seconds) * 1000 + time!.nanos / 1_000_000;
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = Object.create(null);
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
