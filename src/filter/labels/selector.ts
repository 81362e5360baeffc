import { rulesOf } from "../../hubble/version.js";
import { compileDecisions, type LabelPredicate, matchAny } from "./match.js";
import { formatRequirement, type LabelRequirement } from "./requirement.js";
import { type LabelRules, parseSelector } from "./selector-parse.js";

/** A parsed label selector, for example `k8s:app in (web, api), !reserved:host`. */
export interface LabelSelector {
  readonly text: string;
  /** All must hold. Empty for the empty selector, which matches every event. */
  readonly requirements: readonly LabelRequirement[];
}

/** The result of a requirement for an event. */
export interface RequirementTrace {
  /** In canonical spelling: `k8s:app in (a,b)`, `!app`. */
  readonly requirement: string;
  /** The label that decided, as it appears in the event; undefined if no label has the key. */
  readonly label: string | undefined;
  readonly holds: boolean;
}

/** The result of a label selector for an event. It holds if all of its requirements do. */
export interface SelectorTrace {
  /** The selector as the caller wrote it. */
  readonly selector: string;
  readonly holds: boolean;
  /** In the order of the selector; empty for the empty selector. */
  readonly requirements: readonly RequirementTrace[];
}

/**
 * Parses a selector.
 *
 * @param rules Those of the version of Hubble.
 * @throws LabelSelectorError for selectors that this version rejects, with Hubble's message except for its prefix, which
 *   names the field.
 */
export function compileLabelSelector(selector: string, rules: LabelRules = rulesOf()): LabelSelector {
  return { text: selector, requirements: parseSelector(selector, rules) };
}

/**
 * Compiles selectors into a predicate that holds if any of them matches the labels of an event. The cost depends on the
 * labels rather than on the number of selectors, except for selectors that contain only negations. The predicate never
 * throws. It retains no labels, only a bounded cache of CIDR prefixes. It is not reentrant.
 */
export function compileLabelSelectors(selectors: readonly (string | LabelSelector)[]): LabelPredicate {
  return matchAny(
    selectors.map((selector) =>
      typeof selector === "string" ? parseSelector(selector, rulesOf()) : selector.requirements,
    ),
  );
}

/**
 * For explanations: compiles selectors into a function that returns the result of each selector and its requirements.
 */
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
