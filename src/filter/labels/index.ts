export { type Label, parseLabel } from "./label.js";
export type { LabelPredicate } from "./match.js";
export { formatRequirement, type LabelOperator, type LabelRequirement } from "./requirement.js";
export {
  compileLabelSelector,
  compileLabelSelectors,
  formatLabelSelector,
  type LabelSelector,
  type RequirementTrace,
  traceLabelSelector,
} from "./selector.js";
export { LabelSelectorError } from "./selector-parse.js";
