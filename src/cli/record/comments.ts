import { createFlowComments, type FlowComments } from "../../observer/comments/flow-comments.js";
import type { RecordCommandOptions } from "./options.js";

/** Creates the comments that the options ask for. */
export function createComments(
  options: NonNullable<RecordCommandOptions["output"]["comments"]>,
  { hubble, flows }: Pick<RecordCommandOptions, "hubble" | "flows">,
): FlowComments {
  return createFlowComments({
    ...options,
    hubble,
    flow: { tunnels: flows?.tunnels === true, guessReplies: flows?.guessReplies === true },
  });
}
