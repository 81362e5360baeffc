import { ANY_SOURCE } from "./label.js";

export type LabelOperator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | ">" | "<";

/** One of the conditions of a selector, all of which must hold. */
export interface LabelRequirement {
  /** {@link ANY_SOURCE} if the selector named none, or `unspec`, which Cilium takes for the same. */
  readonly source: string;
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted by bytes, each once: none for `exists` and `!`, one or more for `in` and `notin`, one for the others. */
  readonly values: readonly string[];
}

/** Writes a requirement as a user would, for example `k8s:app in (a,b)`: it reads back as the same requirement. */
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
