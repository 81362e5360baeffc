export type { LabelRequirement } from "./requirement.js";
export {
  compileLabelSelector,
  compileLabelSelectors,
  compileLabelTraces,
  type LabelSelector,
  type RequirementTrace,
  type SelectorTrace,
} from "./selector.js";
export { LabelSelectorError } from "./selector-parse.js";
