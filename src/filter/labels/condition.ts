import { parseInt64 } from "../../go/strconv/parse-integer.js";
import type { LabelFinder } from "./label-finder.js";
import type { LabelOperator, LabelRequirement } from "./requirement.js";

/** A compiled requirement. */
export interface Condition {
  /** The number of the key's lookup in the finder. */
  readonly lookup: number;
  readonly operator: LabelOperator;
  /** Whether the condition holds if no label has the key. */
  readonly absent: boolean;
  /** Whether the condition holds for exactly the listed values. */
  readonly listed: boolean;
  readonly values: readonly string[];
  readonly set: ReadonlySet<string> | undefined;
  readonly limit: number | bigint;
}

/** Above this number, values are looked up in a set. */
const LISTED_VALUES = 8;

export function compileCondition(requirement: LabelRequirement, finder: LabelFinder): Condition {
  const { source, key, hasNoLabel, operator, values } = requirement;
  const ordered = operator === ">" || operator === "<";
  return {
    lookup: finder.add(source, key, hasNoLabel),
    operator,
    absent: operator === "!" || operator === "!=" || operator === "notin",
    listed: operator === "in" || operator === "=" || operator === "==",
    values,
    set: values.length > LISTED_VALUES ? new Set(values) : undefined,
    limit: (ordered ? parseInt64(values[0]!) : undefined) ?? 0,
  };
}

/** Whether the condition holds for the labels that were passed to the finder's last `find` or `findSorted`. */
export function conditionHolds(
  condition: Condition,
  finder: LabelFinder,
  labels: readonly string[],
): boolean {
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
