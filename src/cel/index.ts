export { CelEvaluationError, type CelOptions, type CelProgram, compileCel } from "./cel.js";
export type { TypeRegistry } from "./check/environment.js";
export { CelError, type CelIssue, type PlacedCelIssue, WHOLE_EXPRESSION } from "./parse/issue.js";
export type { CelLimits } from "./parse/parse.js";
export { CelDuration, CelMap, CelTimestamp, CelTypeValue, CelUint, type CelValue } from "./value/value.js";
