import { create } from "@bufbuild/protobuf";
import { type GetFlowsRequest, GetFlowsRequestSchema } from "../../gen/observer/observer_pb.js";
import type { FlowFlags } from "./parse.js";

/** How many flows `hubble observe` asks a server for when no flag says it. */
export const DEFAULT_LAST = 20n;

/**
 * What `hubble observe` asks a server for: the last 20 flows, unless a flag says how many, from or until when, or to
 * follow.
 */
export function toFlowsRequest({
  allow,
  deny,
  number,
  first = false,
  since,
  until,
  follow = false,
}: Pick<FlowFlags, "allow" | "deny" | "number" | "first" | "since" | "until" | "follow">): GetFlowsRequest {
  const isPlain = since === undefined && until === undefined && !follow;
  return create(GetFlowsRequestSchema, {
    number: number ?? (isPlain ? DEFAULT_LAST : 0n),
    first,
    follow,
    whitelist: [...allow],
    blacklist: [...deny],
    ...(since && { since }),
    ...(until && { until }),
  });
}
