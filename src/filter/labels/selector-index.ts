import { type Condition, conditionHolds } from "./condition.js";
import type { LabelFinder } from "./label-finder.js";

/** A selector: all of its conditions must hold. */
type Conjunction = readonly Condition[];

/** Whether any of the selectors holds for labels among which the finder has just looked. */
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

/** The selectors that a label brings up. */
interface Candidates {
  /** By its value, without the condition that asks for it. */
  readonly byValue: Map<string, Conjunction[]>;
  /** Whatever its value. */
  readonly others: Conjunction[];
}

/**
 * The same for many selectors. Most have a condition that fails without a label of its key, or of its key and value: by
 * one such condition each is filed, and only those filed under the labels of an event are asked. What is left are
 * selectors of negations alone, which are asked one by one.
 */
export function compileSelectorIndex(
  selectors: readonly Conjunction[],
  finder: LabelFinder,
): (labels: readonly string[]) => boolean {
  const candidates: (Candidates | undefined)[] = [];
  const negations: Conjunction[] = [];
  const crowdOf = countCrowds(selectors);
  for (const selector of selectors) {
    const condition = leastOf(selector, crowdOf);
    if (condition === undefined) negations.push(selector);
    else {
      candidates[condition.lookup] ??= { byValue: new Map(), others: [] };
      file(selector, condition, candidates[condition.lookup]!);
    }
  }
  return (labels) => {
    for (let index = 0; index < finder.foundCount; index++) {
      const lookup = finder.found[index]!;
      const brought = candidates[lookup];
      if (brought === undefined) continue;
      if (brought.byValue.size > 0) {
        const value = labels[finder.label[lookup]!]!.slice(finder.value[lookup]!);
        const having = brought.byValue.get(value);
        if (having !== undefined && anySelectorHolds(having, finder, labels)) return true;
      }
      if (anySelectorHolds(brought.others, finder, labels)) return true;
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

/** The condition that the fewest selectors share, of those that need a label. */
function leastOf(selector: Conjunction, crowdOf: (condition: Condition) => number): Condition | undefined {
  let least: Condition | undefined;
  for (const condition of selector) {
    if (condition.absent) continue;
    if (least === undefined || crowdOf(condition) < crowdOf(least)) least = condition;
  }
  return least;
}

/** How many selectors would be asked because of a condition: those with its most common value, or any with its key. */
function countCrowds(selectors: readonly Conjunction[]): (condition: Condition) => number {
  const byName = new Map<string, number>();
  const namesOf = ({ lookup, listed, values }: Condition) =>
    listed ? values.map((value) => `${lookup}=${value}`) : [`${lookup}`];
  for (const condition of selectors.flat()) {
    if (condition.absent) continue;
    for (const name of namesOf(condition)) byName.set(name, (byName.get(name) ?? 0) + 1);
  }
  const crowds = new Map<Condition, number>();
  return (condition) => {
    let crowd = crowds.get(condition);
    if (crowd === undefined) {
      crowd = namesOf(condition).reduce((most, name) => Math.max(most, byName.get(name) ?? 0), 0);
      crowds.set(condition, crowd);
    }
    return crowd;
  };
}

function allHold(selector: Conjunction, finder: LabelFinder, labels: readonly string[]): boolean {
  for (let index = 0; index < selector.length; index++) {
    if (!conditionHolds(selector[index]!, finder, labels)) return false;
  }
  return true;
}
