import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aCount,
  aListOf,
  aMessage,
  anObject,
  aString,
  checkedElsewhere,
  required,
} from "../../errors/value-checks.js";
import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import {
  type GetFlowsRequest,
  GetFlowsRequest_ExperimentalSchema,
  GetFlowsRequestSchema,
} from "../../gen/observer/observer_pb.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { aHubbleVersion, type HubbleVersion, rulesOf } from "../../hubble/version.js";
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

/** Options of a request. */
export interface FlowsRequestOptions {
  /** The version of the server, which determines the field of the mask. Default `1.16`. */
  readonly hubble?: HubbleVersion;
  /** Paths of the fields of flows that the server is to send (`source.pod_name`); all if empty, the default. */
  readonly fieldMask?: readonly string[];
}

const REQUEST_OPTIONS: OptionTable<FlowsRequestOptions> = {
  hubble: aHubbleVersion,
  fieldMask: aListOf(aString),
};

/** Where each version looks for the field mask. */
const MASK_FIELDS: {
  readonly [K in HubbleRules["fieldMaskField"]]: (
    paths: string[],
  ) => MessageInitShape<typeof GetFlowsRequestSchema>;
} = {
  experimental: (paths) => ({
    experimental: create(GetFlowsRequest_ExperimentalSchema, {
      fieldMask: create(FieldMaskSchema, { paths }),
    }),
  }),
  request: (paths) => ({ fieldMask: create(FieldMaskSchema, { paths }) }),
};

/**
 * Creates the request that `hubble observe` sends: for the last 20 flows, unless a flag sets the number, a time range,
 * or follow.
 *
 * @throws TypeError if `flags` is not a result of `parseFlowFlags`; OptionsError.
 *
 * @example
 * ```ts
 * toFlowsRequest(parseFlowFlags(["--pod", "web"]), { hubble: "1.19", fieldMask: ["time", "verdict"] });
 * ```
 */
export function toFlowsRequest(
  flags: Pick<FlowFlags, "allow" | "deny" | "number" | "first" | "since" | "until" | "follow">,
  options: FlowsRequestOptions = {},
): GetFlowsRequest {
  checkArgument("toFlowsRequest", "flags", flags, FLAGS);
  checkOptions("toFlowsRequest", options, REQUEST_OPTIONS);
  const { hubble, fieldMask = [] } = options;
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
    ...(fieldMask.length > 0 && MASK_FIELDS[rulesOf(hubble).fieldMaskField]([...fieldMask])),
  });
}
