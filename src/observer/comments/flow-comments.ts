import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../../errors/check-options.js";
import { aBoolean, aMessage, anInteger, oneOf } from "../../errors/value-checks.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { aHubbleVersion, type HubbleVersion } from "../../hubble/version.js";
import { checkBatch, type PacketBatch } from "../../packet/batch.js";
import { type Conversation, conversationOf } from "../../packet/flow/conversations.js";
import { FLOW_OPTIONS, type FlowOptions } from "../../packet/flow/flow-options.js";
import { BoundedMap } from "../../packet/flow/lookup/bounded-map.js";
import { createFlowDecoder, PacketError } from "../../packet/index.js";
import { ExportError } from "../export/error.js";
import { encodeExportLine } from "../export/line.js";
import { flowResponse } from "../flow-response.js";
import { formatFlow } from "../format.js";
import { withNamesOf, withReversedNames } from "./conversation-names.js";

/** Default number of conversations that are remembered. */
export const MAX_CONVERSATIONS = 65_536;
/** The maximum difference between the times of a packet and of its flow, whose clocks may differ. */
const SAME_PACKET_MS = 1000;
/** The maximum length in bytes of a comment in pcapng. A flow that is longer is left out. */
const MAX_COMMENT_BYTES = 65_535;

/** How packets are commented. */
export interface FlowCommentOptions {
  /** Comment every packet, or the first of each conversation and of each direction in it. Default `conversation`. */
  readonly per?: "packet" | "conversation";
  /**
   * Whether a second comment has the whole flow as an export line, so that `flowscribe observe` prints its names, labels
   * and verdict again. Default false.
   */
  readonly json?: boolean;
  /** How packets are decoded, with lookups of names. */
  readonly flow?: FlowOptions;
  /** The version of Hubble that formats the line. Default `1.16`. */
  readonly hubble?: HubbleVersion;
  /** The number of conversations that are remembered; those that were not seen for the longest time are forgotten. */
  readonly maxConversations?: number;
}

const OPTIONS: OptionTable<FlowCommentOptions> = {
  per: oneOf("packet", "conversation"),
  json: aBoolean,
  flow: optionsOf("flow", FLOW_OPTIONS),
  hubble: aHubbleVersion,
  maxConversations: anInteger(2),
};

/** Adds the flows of packets to their comments. */
export interface FlowComments {
  /**
   * Adds a flow of Hubble. The packets of its conversation get its endpoints, names and services, in both directions. The
   * packet that it describes gets the whole flow, with its verdict: the first in its direction with the same summary and
   * at most a second apart.
   */
  learn(flow: Flow): void;
  /**
   * Returns the batch with comments added after its own ones. The records are shared; the batch is not changed. Only
   * pcapng files store comments.
   */
  annotate(batch: PacketBatch): PacketBatch;
  /** Comments all conversations again, for a new file; file sinks call it. */
  restart(): void;
}

/**
 * Creates comments that say which flow a packet belongs to, in the form of a line of `hubble observe`. Nothing else
 * adds names of pods to a file.
 *
 * @example
 * ```ts
 * const comments = createFlowComments();
 * for await (const event of events) comments.learn(event);
 * writer.write(comments.annotate(batch));
 * ```
 *
 * @throws OptionsError
 */
export function createFlowComments(options: FlowCommentOptions = {}): FlowComments {
  checkOptions("createFlowComments", options, OPTIONS);
  const { per = "conversation", json = false, hubble, maxConversations = MAX_CONVERSATIONS } = options;
  const decoder = createFlowDecoder(options.flow ?? {});
  const known = new BoundedMap<Flow>("maxConversations", maxConversations);
  /** Flows whose packet has not been seen. */
  const described = new BoundedMap<Flow | null>("maxConversations", maxConversations);
  const commented = new BoundedMap<boolean>("maxConversations", maxConversations);

  function commentsOf(flow: Flow): string[] {
    const line = formatFlow(flow, { ...(hubble !== undefined && { hubble }) });
    if (!json) return [line];
    const whole = jsonOf(flow);
    if (whole === undefined) return [line];
    // Three bytes are the maximum for one code unit.
    const fits = whole.length * 3 <= MAX_COMMENT_BYTES || utf8.encode(whole).length <= MAX_COMMENT_BYTES;
    return fits ? [line, whole] : [line];
  }

  return {
    learn(flow) {
      if (flow?.$typeName !== "flow.Flow") checkArgument("learn", "flow", flow, aFlow);
      const conversation = conversationOf(flow);
      if (conversation === undefined) return;
      const direction = `${conversation.key} ${conversation.sender}`;
      known.set(direction, flow);
      described.set(direction, flow);
      // Packets that were commented without this flow are commented again.
      for (const sender of ["low", "high"]) {
        const either = `${conversation.key} ${sender}`;
        if (commented.get(either) === true) commented.set(either, false);
      }
    },
    restart: () => commented.clear(),
    annotate(batch) {
      checkBatch("annotate", batch);
      const comments = new Map(batch.comments);
      let index = 0;
      for (const decoded of decoder.decodeEach(batch)) {
        const at = index++;
        if (decoded instanceof PacketError) continue;
        const conversation = conversationOf(decoded);
        if (conversation === undefined ? per === "conversation" : isRepeated(conversation, per)) continue;
        const flow = conversation === undefined ? decoded : withNames(decoded, conversation);
        comments.set(at, [...(comments.get(at) ?? []), ...commentsOf(flow)]);
      }
      return comments.size === 0 ? batch : { ...batch, comments };
    },
  };

  function isRepeated({ key, sender }: Conversation, every: "packet" | "conversation"): boolean {
    if (every === "packet") return false;
    const direction = `${key} ${sender}`;
    if (commented.get(direction) === true) return true;
    commented.set(direction, true);
    return false;
  }

  function withNames(decoded: Flow, { key, sender }: Conversation): Flow {
    const direction = `${key} ${sender}`;
    const whole = described.get(direction);
    if (whole && describes(whole, decoded)) {
      described.set(direction, null);
      return { ...whole, ...(decoded.time && { time: decoded.time }) };
    }
    const same = known.get(direction);
    if (same !== undefined) return withNamesOf(decoded, same);
    const other = known.get(`${key} ${sender === "low" ? "high" : "low"}`);
    return other === undefined ? decoded : withReversedNames(decoded, other);
  }
}

/** The flow as an export line; undefined for one that has no JSON form. */
function jsonOf(flow: Flow): string | undefined {
  try {
    return encodeExportLine(flowResponse(flow)).trimEnd();
  } catch (error) {
    if (error instanceof ExportError && error.code === "unencodable_event") return undefined;
    throw error;
  }
}

/** Whether a flow of Hubble is that of a packet in the same direction. */
function describes(flow: Flow, decoded: Flow): boolean {
  if (flow.Summary !== decoded.Summary) return false;
  if (flow.time === undefined || decoded.time === undefined) return true;
  const seconds = Number(flow.time.seconds - decoded.time.seconds);
  return Math.abs(seconds * 1000 + (flow.time.nanos - decoded.time.nanos) / 1e6) <= SAME_PACKET_MS;
}

const aFlow = aMessage<Flow>("flow.Flow");
const utf8 = new TextEncoder();
