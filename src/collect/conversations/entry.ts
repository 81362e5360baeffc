import {
  DropReasonSchema,
  type Flow,
  L7FlowType,
  type Layer7,
  VerdictSchema,
} from "../../gen/flow/flow_pb.js";
import { rulesOf } from "../../hubble/version.js";
import { enumName } from "../../message/proto-text.js";
import { formatFlowType } from "../../observer/format/event/flow-type.js";
import { portsOf } from "../../packet/flow/lookup/lookups.js";
import { flowCountOf } from "../aggregate/groups.js";
import type { Conversation, ConversationEnd, InitiatorSource, Observation } from "./conversation.js";
import { SideCounts } from "./counts.js";
import { Side } from "./side.js";
import type { Subject } from "./subject.js";
import { bitsOf, namesOf, stateOf } from "./tcp-state.js";

/** Bounds on the names that a conversation counts by. */
const MAX_VERDICTS = 16;
const MAX_REASONS = 64;
const MAX_POINTS = 64;
const MAX_STATUS = 64;

/** Types of Cilium's monitor events: pkg/monitor/api/types.go */
const DROP = 1;
const POLICY_VERDICT = 5;

const RANKS: { readonly [K in InitiatorSource]: number } = { is_reply: 3, handshake: 2, "first-seen": 1 };

/** A conversation in memory, in the list of all by the time of their last addition. */
export class Entry {
  readonly key: string;
  readonly #subject: Subject;
  readonly #sides: readonly [Side, Side];
  readonly #flows: [number, number] = [0, 0];
  readonly #verdicts = new SideCounts(MAX_VERDICTS);
  readonly #reasons = new SideCounts(MAX_REASONS);
  readonly #points = new SideCounts(MAX_POINTS);
  #l7: L7Counts | undefined;
  #initiator: 0 | 1 = 0;
  #initiatorFrom: InitiatorSource = "first-seen";
  #initiatorMs = Number.POSITIVE_INFINITY;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  older: Entry | undefined;
  newer: Entry | undefined;

  /** @param flow A flow of the subject, with addresses. It is not added. */
  constructor(subject: Subject, flow: Flow) {
    this.key = subject.key;
    this.#subject = subject;
    const ports = portsOf(flow);
    const source = new Side(flow.IP!.source, ports?.sourcePort);
    const destination = new Side(flow.IP!.destination, ports?.destinationPort);
    this.#sides = subject.sender === 0 ? [source, destination] : [destination, source];
  }

  /** Whether it is a TCP connection that was closed. */
  get isClosed(): boolean {
    const [{ tcpFlags: one = 0 }, { tcpFlags: other = 0 }] = this.#sides;
    return stateOf(one, other) !== "open";
  }

  add(flow: Flow, { sender, role }: Subject, timeMs: number): void {
    const receiver = sender === 0 ? 1 : 0;
    const count = flowCountOf(flow);
    if (timeMs < this.firstMs) this.firstMs = timeMs;
    if (timeMs > this.lastMs) this.lastMs = timeMs;
    this.#flows[sender] += count;
    this.#sides[sender].learn(flow.source, flow.sourceNames, flow.sourceService, timeMs);
    this.#sides[receiver].learn(flow.destination, flow.destinationNames, flow.destinationService, timeMs);
    if (role === undefined) this.#setInitiator(sender, "first-seen", timeMs);
    else this.#setInitiator(role.isInitiator ? sender : receiver, role.from, timeMs);
    this.#verdicts.add(enumName(VerdictSchema, flow.verdict), sender, count);
    const reason = flow.dropReasonDesc === 0 ? flow.dropReason : flow.dropReasonDesc;
    if (reason !== 0) this.#reasons.add(enumName(DropReasonSchema, reason), sender, count);
    this.#points.add(`${pointOf(flow)} ${flow.nodeName}`, sender, count);
    const protocol = flow.l4?.protocol;
    if (protocol?.case === "TCP" && protocol.value.flags !== undefined) {
      const side = this.#sides[sender];
      side.tcpFlags = (side.tcpFlags ?? 0) | bitsOf(protocol.value.flags);
    }
    if (flow.l7 !== undefined) {
      this.#l7 ??= new L7Counts();
      this.#l7.add(flow.l7, sender, count);
    }
  }

  end(ended: ConversationEnd): Conversation {
    const { protocol, icmpType } = this.#subject;
    const initiator = this.#initiator;
    const responder = initiator === 0 ? 1 : 0;
    const [{ tcpFlags: one }, { tcpFlags: other }] = [this.#sides[initiator], this.#sides[responder]];
    const observations = this.#points.entries().map(([name, counts]): Observation => {
      const end = name.indexOf(" ");
      return {
        node: end < 0 ? "" : name.slice(end + 1),
        point: end < 0 ? name : name.slice(0, end),
        forward: counts[initiator],
        reply: counts[responder],
      };
    });
    return {
      protocol,
      ...(icmpType !== undefined && { icmpType }),
      initiator: this.#sides[initiator].describe(),
      responder: this.#sides[responder].describe(),
      initiatorFrom: this.#initiatorFrom,
      firstMs: this.firstMs,
      lastMs: this.lastMs,
      flows: { forward: this.#flows[initiator], reply: this.#flows[responder] },
      verdicts: this.#verdicts.toRecord(),
      dropReasons: this.#reasons.toRecord(),
      nodes: [...new Set(observations.map(({ node }) => node))].filter((node) => node !== "").sort(),
      observations,
      ...(this.#l7 !== undefined && { l7: this.#l7.describe() }),
      ...((one !== undefined || other !== undefined) && {
        tcp: {
          initiatorFlags: namesOf(one ?? 0),
          responderFlags: namesOf(other ?? 0),
          state: stateOf(one ?? 0, other ?? 0),
        },
      }),
      ended,
    };
  }

  /** The best knowledge counts, then the earliest, then side 0: the result does not depend on the order of the flows. */
  #setInitiator(side: 0 | 1, from: InitiatorSource, timeMs: number): void {
    const [rank, current] = [RANKS[from], RANKS[this.#initiatorFrom]];
    if (rank < current) return;
    if (rank === current && (timeMs > this.#initiatorMs || (timeMs === this.#initiatorMs && side === 1)))
      return;
    this.#initiator = side;
    this.#initiatorFrom = from;
    this.#initiatorMs = timeMs;
  }
}

/** Counts of layer 7. */
class L7Counts {
  #requests = 0;
  #responses = 0;
  readonly #status = new SideCounts(MAX_STATUS);
  readonly #rcodes = new SideCounts(MAX_STATUS);

  add({ type, record }: Layer7, sender: 0 | 1, count: number): void {
    if (type === L7FlowType.REQUEST) this.#requests += count;
    if (type !== L7FlowType.RESPONSE) return;
    this.#responses += count;
    if (record.case === "http") this.#status.add(String(record.value.code), sender, count);
    if (record.case === "dns") this.#rcodes.add(String(record.value.rcode), sender, count);
  }

  describe(): NonNullable<Conversation["l7"]> {
    return {
      requests: this.#requests,
      responses: this.#responses,
      httpStatus: this.#status.toRecord(),
      dnsRcodes: this.#rcodes.toRecord(),
    };
  }
}

const RULES = rulesOf("1.19");

/** The point of observation, without what is counted by itself. Contains no space. */
function pointOf(flow: Flow): string {
  if (flow.l7 === undefined && flow.eventType?.type === DROP) return "drop";
  if (flow.l7 === undefined && flow.eventType?.type === POLICY_VERDICT) return "policy-verdict";
  return formatFlowType(flow, RULES).replaceAll(" ", "-");
}
