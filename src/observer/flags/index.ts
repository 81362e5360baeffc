export { type FieldFlags, FLAGS_OF_FIELDS, flagsOfFields } from "./field-flags.js";
export { type Flag, FlagError, type FlagValues } from "./flag.js";
export type { ExtraFlag, ValuesOf } from "./flag-values.js";
export { type FilterFlagName, FLOW_FLAG_GROUPS, FLOW_FLAGS, flowFlags } from "./flow-flags.js";
export { formatFlowFlags } from "./format.js";
export { type FlowFlagOptions, type FlowFlags, parseFlowFlags } from "./parse.js";
export { DEFAULT_LAST, type FlowsRequestOptions, toFlowsRequest } from "./request.js";
