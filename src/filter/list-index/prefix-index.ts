import type { Flow } from "../../gen/flow/flow_pb.js";
import type { NamePrefix } from "../field.js";
import { lastAtOrBefore } from "../pattern/name-prefix.js";
import type { Bucket, FlowIndex } from "./flow-index.js";
import { parentsOf } from "./nesting.js";

/** Tries all buckets that a string of the flow selects. */
export type TextLookup = (text: string, flow: Flow) => boolean;

/** An index by a namespace and the prefix of a name. An empty namespace with an empty name never matches. */
export function namePrefixIndex<Part extends { readonly namespace: string }>(
  cost: number,
  read: (flow: Flow) => Part | undefined,
  nameOfPart: (part: Part) => string,
): FlowIndex<NamePrefix> {
  const path = ({ namespace, prefix }: NamePrefix) => `${namespace}/${prefix}`;
  return {
    cost,
    nameOf: path,
    pathOf: path,
    compile(buckets) {
      const namespaces = new Map<string, Bucket<string>[]>();
      for (const { value, test } of buckets) {
        const { namespace, prefix } = value;
        const own = namespaces.get(namespace);
        if (own === undefined) namespaces.set(namespace, [{ value: prefix, test }]);
        else own.push({ value: prefix, test });
      }
      const lookups = new Map([...namespaces].map(([namespace, own]) => [namespace, prefixLookup(own)]));
      const inAny = lookups.get("");
      lookups.delete("");
      return (flow) => {
        const part = read(flow);
        if (part === undefined) return false;
        const { namespace } = part;
        const own = lookups.get(namespace);
        if (own === undefined && inAny === undefined) return false;
        const name = nameOfPart(part);
        if (own?.(name, flow) === true) return true;
        return inAny !== undefined && (namespace !== "" || name !== "") && inAny(name, flow);
      };
    },
  };
}

/**
 * Finds all prefixes of a string by binary search. In sorted order, the last prefix at or before the string either is a
 * prefix of it, or its own prefixes include all prefixes of the string.
 */
export function prefixLookup(buckets: readonly Bucket<string>[]): TextLookup {
  const sorted = [...buckets].sort(({ value: a }, { value: b }) => (a < b ? -1 : 1));
  const prefixes = sorted.map(({ value }) => value);
  const tests = sorted.map(({ test }) => test);
  const parents = parentsOf(prefixes, (outer, inner) => inner.startsWith(outer));
  return (text, flow) => {
    for (let index = lastAtOrBefore(prefixes, text); index >= 0; index = parents[index]!) {
      if (text.startsWith(prefixes[index]!) && tests[index]!(flow)) return true;
    }
    return false;
  };
}

/** {@link prefixLookup} for the ends of strings. */
export function suffixLookup(buckets: readonly Bucket<string>[]): TextLookup {
  const sorted = [...buckets].sort(({ value: a }, { value: b }) => compareBackwards(a, b));
  const suffixes = sorted.map(({ value }) => value);
  const tests = sorted.map(({ test }) => test);
  const parents = parentsOf(suffixes, (outer, inner) => inner.endsWith(outer));
  return (text, flow) => {
    let low = 0;
    let high = suffixes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBackwards(suffixes[middle]!, text) <= 0) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= 0; index = parents[index]!) {
      if (text.endsWith(suffixes[index]!) && tests[index]!(flow)) return true;
    }
    return false;
  };
}

/** Compares strings from their last character on. */
function compareBackwards(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let back = 1; back <= shorter; back++) {
    const difference = a.charCodeAt(a.length - back) - b.charCodeAt(b.length - back);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
