import { createFlowComments, type FlowComments } from "../../../observer/comments/flow-comments.js";
import type { RecordCommandOptions } from "../options.js";

/** Creates the comments that the options describe. */
export function createComments(
  options: NonNullable<RecordCommandOptions["output"]["comments"]>,
  { hubble, tunnels, guessReplies }: Pick<RecordCommandOptions, "hubble" | "tunnels" | "guessReplies">,
): FlowComments {
  return createFlowComments({
    ...options,
    hubble,
    flow: { tunnels, guessReplies },
  });
}
