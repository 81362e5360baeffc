export { type Label, parseLabel } from "./label.js";
export type { LabelPredicate } from "./match.js";
export { formatRequirement, type LabelOperator, type LabelRequirement } from "./requirement.js";
export {
  compileLabelSelector,
  compileLabelSelectors,
  compileLabelTraces,
  type LabelSelector,
  type RequirementTrace,
  type SelectorTrace,
} from "./selector.js";
export { LabelSelectorError } from "./selector-parse.js";
