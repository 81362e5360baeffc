import { clone } from "@bufbuild/protobuf";
import { checkOptions } from "../../errors/check-options.js";
import { anInteger } from "../../errors/value-checks.js";
import { type Flow, FlowSchema } from "../../gen/flow/flow_pb.js";
import { readLine } from "../../message/json/line/read-line.js";
import { conversationOf } from "../../packet/flow/conversations.js";
import { BoundedMap } from "../../packet/flow/lookup/bounded-map.js";
import type { flowResponse } from "../flow-response.js";
import { withNamesOf, withReversedNames } from "./conversation-names.js";
import { type FlowCommentOptions, MAX_CONVERSATIONS } from "./flow-comments.js";

/** Restores the flows of packets from comments that {@link createFlowComments} wrote with `json`. */
export interface CommentedFlows {
  /**
   * The flow of a packet with what comments say: that of its own comment, or else with the names of earlier comments of
   * its conversation. The flow may be changed.
   */
  restore(flow: Flow, comments: readonly string[] | undefined): Flow;
}

/**
 * Creates a reader of flow comments.
 *
 * @param options.maxConversations As in {@link FlowCommentOptions}.
 *
 * @example
 * ```ts
 * const flows = createCommentedFlows();
 * const flow = flows.restore(decoded, batch.comments?.get(index));
 * ```
 *
 * @throws OptionsError
 */
export function createCommentedFlows(
  options: Pick<FlowCommentOptions, "maxConversations"> = {},
): CommentedFlows {
  checkOptions("createCommentedFlows", options, { maxConversations: anInteger(2) });
  const known = new BoundedMap<Flow>("maxConversations", options.maxConversations ?? MAX_CONVERSATIONS);
  let isUsed = false;
  return {
    restore(flow, comments) {
      const own = comments === undefined ? undefined : flowIn(comments);
      if (own === undefined && !isUsed) return flow;
      const conversation = conversationOf(flow);
      if (own !== undefined) {
        isUsed = true;
        if (conversation !== undefined) known.set(`${conversation.key} ${conversation.sender}`, own);
        if (flow.time !== undefined) own.time = flow.time;
        return own;
      }
      if (conversation === undefined) return flow;
      const { key, sender } = conversation;
      const same = known.get(`${key} ${sender}`);
      if (same !== undefined) return withNamesOf(flow, same);
      const other = known.get(`${key} ${sender === "low" ? "high" : "low"}`);
      return other === undefined ? flow : withReversedNames(flow, other);
    },
  };
}

/** How a comment with a flow begins. */
const FLOW_START = '{"flow":{';

/** The flow in the comments of a packet. */
function flowIn(comments: readonly string[]): Flow | undefined {
  for (const comment of comments) {
    if (!comment.startsWith(FLOW_START)) continue;
    const event = readLine(utf8.encode(comment));
    if (typeof event === "string" || event.$typeName !== "observer.GetFlowsResponse") continue;
    // True because of its type name.
    const { responseTypes } = event as ReturnType<typeof flowResponse>;
    if (responseTypes.case === "flow") return clone(FlowSchema, responseTypes.value);
  }
  return undefined;
}

const utf8 = new TextEncoder();
