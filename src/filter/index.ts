export { FilterError, FlowscribeError, type Issue } from "../errors/errors.js";
export { HUBBLE_VERSIONS, type HubbleVersion } from "../hubble/version.js";
export { ExportLineError } from "../message/json/line/line-error.js";
export { type RegexEngine, re2jsEngine } from "../regex/regex.js";
export { type CelEngineOptions, createCelEngine } from "./cel-engine.js";
export {
  checkFlowFilters,
  compileFlowFilter,
  compileFlowFilters,
  FILTER_FIELDS,
  type FlowFilterLists,
  type FlowPredicate,
} from "./compile.js";
export type { CelEngine, CelPredicate } from "./engine.js";
export { type FlowEnvelope, type FlowEvent, flowEvent } from "./event.js";
export {
  type Explanation,
  explainFlowFilters,
  type FieldExplanation,
  type FilterExplanation,
} from "./explain/explain.js";
export type { FilterField } from "./field.js";
export type { FlowFilterInit } from "./filter-init.js";
export type { FlowFilterOptions } from "./filter-options.js";
export type { EventPredicate, JsonLinePredicate } from "./json-line.js";
export type { RequirementTrace, SelectorTrace } from "./labels/index.js";
export { packetPart } from "./packet-part.js";
