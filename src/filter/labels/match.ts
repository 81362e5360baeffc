import { type Condition, compileCondition, conditionHolds } from "./condition.js";
import { LabelFinder } from "./label-finder.js";
import type { LabelRequirement } from "./requirement.js";
import { anySelectorHolds, compileSelectorIndex } from "./selector-index.js";

/** The labels of an event; undefined for an event that has none or could have none. */
export type LabelPredicate = (labels: readonly string[] | undefined) => boolean;

/** More selectors than this are looked up by the labels of an event, not asked one by one. */
const LISTED_SELECTORS = 4;

/**
 * Whether any of the selectors holds, each the conjunction of its requirements. Of several labels with the key of a
 * requirement only the first counts once Cilium has sorted them by key, also for `!=` and `notin`.
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

/** What decides a requirement. */
export interface Decision {
  /** Which of the labels; -1 where none has the key. */
  readonly label: number;
  readonly holds: boolean;
}

/** For each selector what decides each of its requirements. */
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
