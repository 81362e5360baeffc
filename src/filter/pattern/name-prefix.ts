import type { NamePrefix } from "../field.js";

/** Whether a namespace and a name match. An empty namespace with an empty name never matches. */
export type NamePredicate = (namespace: string, name: string) => boolean;

/** From this many prefixes on, a binary search is faster. */
const FEW = 4;

/**
 * Compiles namespaced name prefixes into one predicate. For each namespace it keeps the prefixes that no shorter one
 * covers, sorted, so that a lookup is a binary search.
 */
export function compileNamePrefixes(wanted: readonly NamePrefix[]): NamePredicate {
  const byNamespace = new Map<string, string[]>();
  for (const { namespace, prefix } of wanted) {
    const prefixes = byNamespace.get(namespace);
    if (prefixes === undefined) byNamespace.set(namespace, [prefix]);
    else prefixes.push(prefix);
  }
  const compiled = new Map(
    [...byNamespace].map(([namespace, prefixes]) => [namespace, compilePrefixes(prefixes)]),
  );
  const inAny = compiled.get("");
  compiled.delete("");
  const [only] = compiled;
  if (compiled.size <= 1) {
    const [wantedNamespace = "", has = never] = only ?? [];
    return (namespace, name) =>
      (namespace === wantedNamespace && has(name)) ||
      (inAny !== undefined && (namespace !== "" || name !== "") && inAny(name));
  }
  return (namespace, name) =>
    compiled.get(namespace)?.(name) === true ||
    (inAny !== undefined && (namespace !== "" || name !== "") && inAny(name));
}

const never = () => false;

function compilePrefixes(prefixes: readonly string[]): (name: string) => boolean {
  const minimal = minimalPrefixes(prefixes);
  const [first = ""] = minimal;
  if (minimal.length === 1) return first === "" ? () => true : (name) => name.startsWith(first);
  if (minimal.length < FEW) return (name) => minimal.some((prefix) => name.startsWith(prefix));
  return (name) => {
    // No prefix covers another, so only this one can be a prefix of the name.
    const last = lastAtOrBefore(minimal, name);
    return last >= 0 && name.startsWith(minimal[last]!);
  };
}

/** The index of the last of the sorted strings that is at or before the given one; -1 if none is. */
export function lastAtOrBefore(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= text) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The prefixes, sorted by code unit, without those that a shorter prefix covers. */
export function minimalPrefixes(prefixes: readonly string[]): string[] {
  const minimal: string[] = [];
  for (const prefix of [...prefixes].sort(byCodeUnit)) {
    const last = minimal.at(-1);
    if (last === undefined || !prefix.startsWith(last)) minimal.push(prefix);
  }
  return minimal;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
