import { type Condition, conditionHolds } from "./condition.js";
import type { LabelFinder } from "./label-finder.js";

/** A selector: a conjunction of conditions. */
type Conjunction = readonly Condition[];

/** Whether any of the selectors holds for the labels that were passed to the finder's last `find`. */
export function anySelectorHolds(
  selectors: readonly Conjunction[],
  finder: LabelFinder,
  labels: readonly string[],
): boolean {
  for (let index = 0; index < selectors.length; index++) {
    if (allHold(selectors[index]!, finder, labels)) return true;
  }
  return false;
}

/** The selectors to evaluate if a label with a given key is present. */
interface Candidates {
  /** By the label's value, without the condition that requires the value. */
  readonly byValue: Map<string, Conjunction[]>;
  /** Regardless of the label's value. */
  readonly others: Conjunction[];
}

/**
 * {@link anySelectorHolds} for many selectors. Most selectors have a condition that requires a label with a certain
 * key, or with a certain key and value. Each selector is indexed by one such condition, and only the selectors that are
 * indexed under the labels of an event are evaluated. Selectors that consist only of negations are evaluated for every
 * event.
 */
export function compileSelectorIndex(
  selectors: readonly Conjunction[],
  finder: LabelFinder,
): (labels: readonly string[]) => boolean {
  const candidates: (Candidates | undefined)[] = [];
  const negations: Conjunction[] = [];
  const countCandidates = candidateCounter(selectors);
  for (const selector of selectors) {
    const condition = leastOf(selector, countCandidates);
    if (condition === undefined) negations.push(selector);
    else {
      candidates[condition.lookup] ??= { byValue: new Map(), others: [] };
      file(selector, condition, candidates[condition.lookup]!);
    }
  }
  return (labels) => {
    for (let index = 0; index < finder.foundCount; index++) {
      const lookup = finder.found[index]!;
      const found = candidates[lookup];
      if (found === undefined) continue;
      if (found.byValue.size > 0) {
        const value = labels[finder.label[lookup]!]!.slice(finder.value[lookup]!);
        const having = found.byValue.get(value);
        if (having !== undefined && anySelectorHolds(having, finder, labels)) return true;
      }
      if (anySelectorHolds(found.others, finder, labels)) return true;
    }
    return anySelectorHolds(negations, finder, labels);
  };
}

function file(selector: Conjunction, condition: Condition, { byValue, others }: Candidates): void {
  if (!condition.listed) {
    others.push(selector);
    return;
  }
  const rest = selector.filter((one) => one !== condition);
  for (const value of condition.values) {
    const having = byValue.get(value);
    if (having === undefined) byValue.set(value, [rest]);
    else having.push(rest);
  }
}

/**
 * The condition that requires a label and is shared by the fewest selectors; undefined if no condition requires one.
 */
function leastOf(
  selector: Conjunction,
  countCandidates: (condition: Condition) => number,
): Condition | undefined {
  let least: Condition | undefined;
  for (const condition of selector) {
    if (condition.absent) continue;
    if (least === undefined || countCandidates(condition) < countCandidates(least)) least = condition;
  }
  return least;
}

/**
 * The number of selectors that a condition would make candidates: those with its most common value, or all with its
 * key.
 */
function candidateCounter(selectors: readonly Conjunction[]): (condition: Condition) => number {
  const byName = new Map<string, number>();
  const namesOf = ({ lookup, listed, values }: Condition) =>
    listed ? values.map((value) => `${lookup}=${value}`) : [`${lookup}`];
  for (const condition of selectors.flat()) {
    if (condition.absent) continue;
    for (const name of namesOf(condition)) byName.set(name, (byName.get(name) ?? 0) + 1);
  }
  const counts = new Map<Condition, number>();
  return (condition) => {
    let count = counts.get(condition);
    if (count === undefined) {
      count = namesOf(condition).reduce((most, name) => Math.max(most, byName.get(name) ?? 0), 0);
      counts.set(condition, count);
    }
    return count;
  };
}

function allHold(selector: Conjunction, finder: LabelFinder, labels: readonly string[]): boolean {
  for (let index = 0; index < selector.length; index++) {
    if (!conditionHolds(selector[index]!, finder, labels)) return false;
  }
  return true;
}
