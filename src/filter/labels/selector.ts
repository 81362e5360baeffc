import { compileDecisions, type LabelPredicate, matchAny } from "./match.js";
import { formatRequirement, type LabelRequirement } from "./requirement.js";
import { parseSelector } from "./selector-parse.js";

/** A selector of labels, for example `k8s:app in (web, api), !reserved:host`, read and checked. */
export interface LabelSelector {
  readonly text: string;
  /** All of them must hold; none for the empty selector, which matches every event. */
  readonly requirements: readonly LabelRequirement[];
}

/** What became of a requirement. */
export interface RequirementTrace {
  /** In one spelling, however it was written: `k8s:app in (a,b)`, `!app`. */
  readonly requirement: string;
  /** The label of the event that decided, as the event has it; undefined if none has the key. */
  readonly label: string | undefined;
  readonly holds: boolean;
}

/** What became of a label selector: it holds when all of its requirements do. */
export interface SelectorTrace {
  /** As it was written. */
  readonly selector: string;
  readonly holds: boolean;
  /** In the order in which they were written; none for the empty selector. */
  readonly requirements: readonly RequirementTrace[];
}

/** Throws a `LabelSelectorError` for what Hubble v1.16.2 rejects, with Hubble's message but for the name of the field. */
export function compileLabelSelector(selector: string): LabelSelector {
  return { text: selector, requirements: parseSelector(selector) };
}

/**
 * Whether any of the selectors matches the labels of one event, at a cost that depends on the labels rather than on the
 * number of selectors. The predicate never throws, and keeps no labels of an event but their prefixes, and of those a
 * bounded number; it may not be called again while it runs.
 */
export function compileLabelSelectors(selectors: readonly (string | LabelSelector)[]): LabelPredicate {
  return matchAny(
    selectors.map((selector) =>
      typeof selector === "string" ? parseSelector(selector) : selector.requirements,
    ),
  );
}

/** For an explanation: each selector, and each of its requirements with the label that decided it. */
export function compileLabelTraces(
  selectors: readonly LabelSelector[],
): (labels: readonly string[] | undefined) => SelectorTrace[] {
  const decide = compileDecisions(selectors.map(({ requirements }) => requirements));
  return (labels = []) =>
    decide(labels).map((decisions, index): SelectorTrace => {
      const { text, requirements } = selectors[index]!;
      return {
        selector: text,
        holds: decisions.every(({ holds }) => holds),
        requirements: decisions.map(({ label, holds }, position) => ({
          requirement: formatRequirement(requirements[position]!),
          label: labels[label],
          holds,
        })),
      };
    });
}
