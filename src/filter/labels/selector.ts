import { decidingLabels, type LabelPredicate, matchAny } from "./match.js";
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
  /** As {@link formatRequirement} writes it. */
  readonly requirement: string;
  /** The label of the event that decided, as the event has it; undefined if none has the key. */
  readonly label: string | undefined;
  readonly holds: boolean;
}

/** Throws a `LabelSelectorError` for what Hubble v1.16.2 rejects, with Hubble's message but for the name of the field. */
export function compileLabelSelector(selector: string): LabelSelector {
  return { text: selector, requirements: parseSelector(selector) };
}

/**
 * Whether any of the selectors matches the labels of one event. The predicate never throws, and keeps no labels of an
 * event but their prefixes, and of those a bounded number; it may not be called again while it runs.
 */
export function compileLabelSelectors(selectors: readonly (string | LabelSelector)[]): LabelPredicate {
  return matchAny(
    selectors.map((selector) =>
      typeof selector === "string" ? parseSelector(selector) : selector.requirements,
    ),
  );
}

/** For an explanation: each requirement of a selector with the label that decided it. */
export function traceLabelSelector(
  { requirements }: LabelSelector,
  labels: readonly string[] = [],
): RequirementTrace[] {
  return decidingLabels(requirements, labels).map(({ label, holds }, index) => ({
    requirement: formatRequirement(requirements[index]!),
    label: labels[label],
    holds,
  }));
}

/** The requirements as text, in the order in which they were written; empty for the empty selector. */
export function formatLabelSelector({ requirements }: LabelSelector): string {
  return requirements.map(formatRequirement).join(",");
}
