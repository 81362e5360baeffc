import { Verdict } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";
import { compileOneOf } from "../one-of.js";

/** The verdict by number; unknown numbers are accepted (pkg/hubble/filters/verdict.go). */
export const verdict: FieldCompiler<"verdict"> = (values) => {
  const isWanted = compileOneOf<number>(values);
  return {
    matches: (flow) => isWanted(flow.verdict),
    seen: (event) => (isFlow(event) ? event.verdict : undefined),
    reads: ["verdict"],
    cost: "cheap",
  };
};

/** The drop reason, for dropped flows only (pkg/hubble/filters/dropreason.go). */
export const dropReasonDesc: FieldCompiler<"dropReasonDesc"> = (values) => {
  const isWanted = compileOneOf<number>(values);
  return {
    matches: (flow) => flow.verdict === Verdict.DROPPED && isWanted(flow.dropReasonDesc),
    seen: (event) => (isFlow(event) && event.verdict === Verdict.DROPPED ? event.dropReasonDesc : undefined),
    reads: ["verdict", "drop_reason_desc"],
    cost: "cheap",
  };
};

/** The traffic direction by number (pkg/hubble/filters/trafficdirection.go). */
export const trafficDirection: FieldCompiler<"trafficDirection"> = (values) => {
  const isWanted = compileOneOf<number>(values);
  return {
    matches: (flow) => isWanted(flow.trafficDirection),
    seen: (event) => (isFlow(event) ? event.trafficDirection : undefined),
    reads: ["traffic_direction"],
    cost: "cheap",
  };
};

/**
 * Whether the flow is a reply. A flow without this information matches neither value, except that a dropped flow counts
 * as not a reply (pkg/hubble/filters/reply.go).
 */
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
