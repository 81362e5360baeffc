import { type Condition, compileCondition, conditionHolds } from "./condition.js";
import { LabelFinder } from "./label-finder.js";
import type { LabelRequirement } from "./requirement.js";
import { anySelectorHolds, compileSelectorIndex } from "./selector-index.js";

/** Whether the labels of an event match. Pass undefined for an event without labels. */
export type LabelPredicate = (labels: readonly string[] | undefined) => boolean;

/** Above this number, selectors are indexed by label instead of evaluated one by one. */
const LISTED_SELECTORS = 4;

/**
 * Compiles selectors into a predicate that holds if any selector does. A selector is the conjunction of its
 * requirements. If several labels have the key of a requirement, only the first one in Cilium's order by key counts,
 * also for `!=` and `notin`.
 */
export function matchAny(selectors: readonly (readonly LabelRequirement[])[]): LabelPredicate {
  if (selectors.some((requirements) => requirements.length === 0)) return () => true;
  const { finder, conditions } = compileConditions(selectors);
  const withoutLabels = conditions.some((selector) => selector.every(({ absent }) => absent));
  const anyHolds =
    conditions.length <= LISTED_SELECTORS
      ? (labels: readonly string[]) => anySelectorHolds(conditions, finder, labels)
      : compileSelectorIndex(conditions, finder);
  return (labels) => {
    if (labels === undefined || labels.length === 0) return withoutLabels;
    finder.find(labels);
    return anyHolds(labels);
  };
}

/** The result of a requirement and the label that decided it. */
export interface Decision {
  /** The index of the deciding label; -1 if no label has the key. */
  readonly label: number;
  readonly holds: boolean;
}

/** Compiles selectors into a function that returns the decision for each requirement of each selector. */
export function compileDecisions(
  selectors: readonly (readonly LabelRequirement[])[],
): (labels: readonly string[]) => Decision[][] {
  const { finder, conditions } = compileConditions(selectors);
  return (labels) => {
    finder.findSorted(labels);
    return conditions.map((selector) =>
      selector.map((condition) => ({
        label: finder.label[condition.lookup]!,
        holds: conditionHolds(condition, finder, labels),
      })),
    );
  };
}

function compileConditions(selectors: readonly (readonly LabelRequirement[])[]): {
  finder: LabelFinder;
  conditions: Condition[][];
} {
  const finder = new LabelFinder();
  const conditions = selectors.map((requirements) =>
    requirements.map((requirement) => compileCondition(requirement, finder)),
  );
  return { finder, conditions };
}
