import { create } from "@bufbuild/protobuf";
import { checkArgument } from "../../errors/check-argument.js";
import { optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aCount,
  aListOf,
  aMessage,
  anObject,
  checkedElsewhere,
  required,
} from "../../errors/value-checks.js";
import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import { type GetFlowsRequest, GetFlowsRequestSchema } from "../../gen/observer/observer_pb.js";
import type { FlowFlags } from "./parse.js";

/** The number of flows that `hubble observe` requests by default. */
export const DEFAULT_LAST = 20n;

const FLAGS = optionsOf<Pick<FlowFlags, "allow" | "deny"> & Partial<FlowFlags>>("flags", {
  allow: required(aListOf(aMessage<FlowFilter>("flow.FlowFilter"))),
  deny: required(aListOf(aMessage<FlowFilter>("flow.FlowFilter"))),
  number: aCount,
  first: aBoolean,
  since: anObject,
  until: anObject,
  follow: aBoolean,
  positionals: checkedElsewhere,
  extra: checkedElsewhere,
});

/**
 * Creates the request that `hubble observe` sends: for the last 20 flows, unless a flag sets the number, a time range,
 * or follow.
 *
 * @throws TypeError if `flags` is not a result of `parseFlowFlags`.
 */
export function toFlowsRequest(
  flags: Pick<FlowFlags, "allow" | "deny" | "number" | "first" | "since" | "until" | "follow">,
): GetFlowsRequest {
  checkArgument("toFlowsRequest", "flags", flags, FLAGS);
  const { allow, deny, number, first = false, since, until, follow = false } = flags;
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
