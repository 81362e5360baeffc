import { Verdict } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";
import { compileMember } from "../member.js";

/** The verdict, by number; unknown numbers are taken (pkg/hubble/filters/verdict.go). */
export const verdict: FieldCompiler<"verdict"> = (values) => {
  const isWanted = compileMember<number>(values);
  return {
    matches: (flow) => isWanted(flow.verdict),
    seen: (event) => (isFlow(event) ? event.verdict : undefined),
    reads: ["verdict"],
    cost: "cheap",
  };
};

/** The reason of a drop; of flows that were dropped only (pkg/hubble/filters/dropreason.go). */
export const dropReasonDesc: FieldCompiler<"dropReasonDesc"> = (values) => {
  const isWanted = compileMember<number>(values);
  return {
    matches: (flow) => flow.verdict === Verdict.DROPPED && isWanted(flow.dropReasonDesc),
    seen: (event) => (isFlow(event) && event.verdict === Verdict.DROPPED ? event.dropReasonDesc : undefined),
    reads: ["verdict", "drop_reason_desc"],
    cost: "cheap",
  };
};

/** The direction, by number (pkg/hubble/filters/trafficdirection.go). */
export const trafficDirection: FieldCompiler<"trafficDirection"> = (values) => {
  const isWanted = compileMember<number>(values);
  return {
    matches: (flow) => isWanted(flow.trafficDirection),
    seen: (event) => (isFlow(event) ? event.trafficDirection : undefined),
    reads: ["traffic_direction"],
    cost: "cheap",
  };
};

/** Whether it is a reply; a flow that does not say is neither, but a dropped one is none (pkg/hubble/filters/reply.go). */
export const reply: FieldCompiler<"reply"> = (values) => {
  const wantsReplies = values.includes(true);
  const wantsOthers = values.includes(false);
  return {
    matches: (flow) => {
      const { isReply } = flow;
      if (isReply === undefined) return wantsOthers && flow.verdict === Verdict.DROPPED;
      return isReply ? wantsReplies : wantsOthers;
    },
    seen: (event) => {
      if (!isFlow(event)) return undefined;
      return event.isReply ?? (event.verdict === Verdict.DROPPED ? false : undefined);
    },
    reads: ["is_reply", "verdict"],
    cost: "cheap",
  };
};
