import { goQuote } from "../../../go/strconv/quote.js";
import { FlagError } from "../flag.js";

/** The maximum number of names that result from combining each namespace with each name of a command line. */
export const MAX_COMBINED_NAMES = 1_000_000;

/** The namespace in the name of a pod or service; "" if it has none or an empty one. */
export function namespaceOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}

/**
 * Prepends each namespace to each name that has none.
 *
 * @throws FlagError for more than {@link MAX_COMBINED_NAMES} combinations.
 */
export function addNamespaces(names: readonly string[], namespaces: readonly string[]): string[] {
  if (names.length * namespaces.length > MAX_COMBINED_NAMES) {
    throw new FlagError(
      `${namespaces.length} namespaces with ${names.length} names: more than ${MAX_COMBINED_NAMES}`,
    );
  }
  return names.flatMap((name) =>
    name.includes("/") ? [name] : namespaces.map((namespace) => `${namespace}/${name}`),
  );
}

/**
 * Whether any non-empty namespace differs from any of the others. Returns early, so the cost is low while all agree.
 */
export function disagree(namespaces: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  if (others.size === 0) return false;
  for (const namespace of namespaces) {
    if (namespace === "") continue;
    for (const other of others) if (other !== namespace) return true;
  }
  return false;
}

/** Returns Hubble's error text for a name outside a given namespace; undefined if absent. */
export function describeOutside(namespaces: readonly string[], names: readonly string[]): string | undefined {
  for (const namespace of namespaces) {
    const other = names.find((name) => namespaceOf(name) !== "" && namespaceOf(name) !== namespace);
    if (other === undefined) continue;
    return `namespace conflict: ${goQuote(namespace)} does not contain ${goQuote(other)}`;
  }
  return undefined;
}

/** Returns Hubble's error text for a service outside the namespace of a pod; undefined if absent. */
export function describeApart(pods: readonly string[], services: readonly string[]): string | undefined {
  for (const namespace of pods.map(namespaceOf)) {
    if (namespace === "") continue;
    const other = services.find((service) => namespaceOf(service) !== namespace);
    if (other === undefined) continue;
    return `namespace of service ${goQuote(other)} conflict with pod ${goQuote(namespace)}`;
  }
  return undefined;
}
