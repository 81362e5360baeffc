import { goQuote } from "../../go/quote.js";
import { FlagError } from "./flag.js";

/** To how many names the namespaces and the names of a command line may be combined, each with each. */
export const MAX_COMBINED_NAMES = 1_000_000;

/** The namespace that a name of a pod or service tells; "" when it tells none, or any. */
export function namespaceOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}

/** Puts each of the namespaces before each name that tells none. */
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

/** Whether any namespace that is told differs from any of the others. Takes no time when there is little to differ. */
export function disagree(told: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  if (others.size === 0) return false;
  for (const namespace of told) {
    if (namespace === "") continue;
    for (const other of others) if (other !== namespace) return true;
  }
  return false;
}

/** In Hubble's words: a name outside a namespace that was given. */
export function describeOutside(namespaces: readonly string[], names: readonly string[]): string | undefined {
  for (const namespace of namespaces) {
    const other = names.find((name) => namespaceOf(name) !== "" && namespaceOf(name) !== namespace);
    if (other === undefined) continue;
    return `namespace conflict: ${goQuote(namespace)} does not contain ${goQuote(other)}`;
  }
  return undefined;
}

/** In Hubble's words: a service outside the namespace of a pod. */
export function describeApart(pods: readonly string[], services: readonly string[]): string | undefined {
  for (const namespace of pods.map(namespaceOf)) {
    if (namespace === "") continue;
    const other = services.find((service) => namespaceOf(service) !== namespace);
    if (other === undefined) continue;
    return `namespace of service ${goQuote(other)} conflict with pod ${goQuote(namespace)}`;
  }
  return undefined;
}
