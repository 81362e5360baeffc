import type { NamePrefix } from "./field.js";

/** Whether a namespace and a name match; both empty never do. */
export type NamePredicate = (namespace: string, name: string) => boolean;

/** From how many prefixes on a search pays. */
const FEW = 4;

/**
 * Namespaced name prefixes as one: by namespace, and in each those prefixes that no shorter one covers, sorted, so that a
 * name is looked up by binary search however many there are.
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
    // No prefix covers another, so that only this one can begin the name.
    const last = lastAtOrBefore(minimal, name);
    return last >= 0 && name.startsWith(minimal[last]!);
  };
}

/** Which of the sorted texts is the last at or before the given one; -1 if none. */
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

/** Sorted, without those that another one covers. */
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
