import { parseInt64 } from "./int64.js";
import { LabelFinder } from "./label-finder.js";
import type { LabelOperator, LabelRequirement } from "./requirement.js";

/** The labels of an event; undefined for an event that has none or could have none. */
export type LabelPredicate = (labels: readonly string[] | undefined) => boolean;

/**
 * Whether any of the selectors holds, each the conjunction of its requirements. Of several labels with the key of a
 * requirement only the first counts once Cilium has sorted them by key, also for `!=` and `notin`.
 */
export function matchAny(selectors: readonly (readonly LabelRequirement[])[]): LabelPredicate {
  if (selectors.some((requirements) => requirements.length === 0)) return () => true;
  const finder = new LabelFinder();
  const conditions = selectors.map((requirements) =>
    requirements.map((requirement) => compileCondition(requirement, finder)),
  );
  const withoutLabels = conditions.some((selector) => selector.every(({ absent }) => absent));
  return (labels) => {
    if (labels === undefined || labels.length === 0) return withoutLabels;
    finder.find(labels);
    for (let index = 0; index < conditions.length; index++) {
      if (allHold(conditions[index]!, finder, labels)) return true;
    }
    return false;
  };
}

/** The label that decides each requirement, as an index into the labels; -1 where no label has its key. */
export function decidingLabels(
  requirements: readonly LabelRequirement[],
  labels: readonly string[],
): { label: number; holds: boolean }[] {
  const finder = new LabelFinder();
  const conditions = requirements.map((requirement) => compileCondition(requirement, finder));
  finder.find(labels);
  return conditions.map((condition) => ({
    label: finder.label[condition.lookup]!,
    holds: holds(condition, finder, labels),
  }));
}

/** A requirement, made ready. */
interface Condition {
  readonly lookup: number;
  readonly operator: LabelOperator;
  /** What holds if no label has the key. */
  readonly absent: boolean;
  readonly values: readonly string[];
  readonly set: ReadonlySet<string> | undefined;
  readonly limit: number | bigint;
}

/** More values than this are looked up as a set. */
const LISTED_VALUES = 8;

function compileCondition(requirement: LabelRequirement, finder: LabelFinder): Condition {
  const { source, key, operator, values } = requirement;
  const ordered = operator === ">" || operator === "<";
  return {
    lookup: finder.add(source, key),
    operator,
    absent: operator === "!" || operator === "!=" || operator === "notin",
    values,
    set: values.length > LISTED_VALUES ? new Set(values) : undefined,
    limit: (ordered ? parseInt64(values[0]!) : undefined) ?? 0,
  };
}

function allHold(conditions: readonly Condition[], finder: LabelFinder, labels: readonly string[]): boolean {
  for (let index = 0; index < conditions.length; index++) {
    if (!holds(conditions[index]!, finder, labels)) return false;
  }
  return true;
}

function holds(condition: Condition, finder: LabelFinder, labels: readonly string[]): boolean {
  const index = finder.label[condition.lookup]!;
  if (index < 0) return condition.absent;
  const label = labels[index]!;
  const start = finder.value[condition.lookup]!;
  switch (condition.operator) {
    case "exists":
      return true;
    case "!":
      return false;
    case "in":
    case "=":
    case "==":
      return hasValue(condition, label, start);
    case "notin":
    case "!=":
      return !hasValue(condition, label, start);
    case ">":
    case "<": {
      const value = parseInt64(label.slice(start));
      if (value === undefined) return false;
      return condition.operator === ">" ? value > condition.limit : value < condition.limit;
    }
  }
}

function hasValue({ values, set }: Condition, label: string, start: number): boolean {
  if (set !== undefined) return set.has(label.slice(start));
  const length = label.length - start;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value.length === length && label.startsWith(value, start)) return true;
  }
  return false;
}
