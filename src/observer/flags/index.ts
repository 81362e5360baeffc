export { FLAGS_OF_FIELDS } from "./field-flags.js";
export { type Flag, FlagError, type FlagValues } from "./flag.js";
export type { ExtraFlag, ValuesOf } from "./flag-values.js";
export { type FilterFlagName, FLOW_FLAG_GROUPS, FLOW_FLAGS } from "./flow-flags.js";
export { formatFlowFlags } from "./format.js";
export { type FlowFlagOptions, type FlowFlags, parseFlowFlags } from "./parse.js";
export { DEFAULT_LAST, toFlowsRequest } from "./request.js";
