import { ANY_SOURCE } from "./label.js";

export type LabelOperator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | ">" | "<";

/** A requirement of a selector. All requirements must hold. */
export interface LabelRequirement {
  /** {@link ANY_SOURCE} if the selector has no source or `unspec`, which Cilium treats alike. */
  readonly source: string;
  readonly key: string;
  /**
   * True if no label of an event has the key, even one with the same text: the key of source `cidr` is not a prefix, and
   * the version of Hubble compares such keys as prefixes only.
   */
  readonly hasNoLabel?: boolean;
  readonly operator: LabelOperator;
  /**
   * Distinct, sorted by bytes: empty for `exists` and `!`, at least one for `in` and `notin`, exactly one for the
   * others.
   */
  readonly values: readonly string[];
}

/**
 * Formats a requirement in selector syntax, for example `k8s:app in (a,b)`. The result parses to the same requirement.
 */
export function formatRequirement({ source, key, operator, values }: LabelRequirement): string {
  const name = source === ANY_SOURCE ? key : `${source}:${key}`;
  switch (operator) {
    case "exists":
      return name;
    case "!":
      return `!${name}`;
    case "in":
    case "notin":
      return `${name} ${operator} (${values.join(",")})`;
    default:
      return `${name}${operator}${values[0]}`;
  }
}
