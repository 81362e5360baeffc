import { type Flow, Verdict } from "../../gen/flow/flow_pb.js";
import { isFlow } from "../event.js";
import type { FieldCompiler } from "../field.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { valueIndex } from "../list-index/value-index.js";
import { compileOneOf } from "../one-of.js";

const byVerdict = valueIndex<number>(INDEX_COST.enumeration, (flow) => flow.verdict);
const byDropReason = valueIndex<number>(INDEX_COST.enumeration, (flow) =>
  flow.verdict === Verdict.DROPPED ? flow.dropReasonDesc : undefined,
);
const byDirection = valueIndex<number>(INDEX_COST.enumeration, (flow) => flow.trafficDirection);
const byReply = valueIndex(INDEX_COST.enumeration, isReply);

/** The verdict by number; unknown numbers are accepted (pkg/hubble/filters/verdict.go). */
export const verdict: FieldCompiler<"verdict"> = (values) => {
  const isWanted = compileOneOf<number>(values);
  return {
    matches: (flow) => isWanted(flow.verdict),
    seen: (event) => (isFlow(event) ? event.verdict : undefined),
    reads: ["verdict"],
    cost: "cheap",
    key: exactKey<number>(byVerdict, values),
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
    key: exactKey<number>(byDropReason, values),
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
    key: exactKey<number>(byDirection, values),
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
      const is = isReply(flow);
      return is !== undefined && (is ? wantsReplies : wantsOthers);
    },
    seen: (event) => (isFlow(event) ? isReply(event) : undefined),
    reads: ["is_reply", "verdict"],
    cost: "cheap",
    key: exactKey(byReply, values),
  };
};

function isReply({ isReply: is, verdict: ofFlow }: Flow): boolean | undefined {
  return is ?? (ofFlow === Verdict.DROPPED ? false : undefined);
}
