import { checkArgument } from "../errors/check-argument.js";
import { aListOf } from "../errors/value-checks.js";
import { type Address, isIpv4 } from "./address.js";
import { compareAddresses, joinAddresses, lastAtOrBefore } from "./address-order.js";
import { aPrefix, hasPrefixBits, type Prefix, type PrefixBits } from "./prefix.js";

/** Whether an address is in any of the prefixes. Allocates nothing. */
export type AddressPredicate = (address: Address) => boolean;

/**
 * Compiles prefixes into a predicate that is true if `prefixContains` is true for any of them. Each call costs one
 * binary search over disjoint ranges, regardless of the number of prefixes and their overlap.
 */
export function compilePrefixSet(prefixes: readonly Prefix[]): AddressPredicate {
  checkArgument("compilePrefixSet", "prefixes", prefixes, aListOf(aPrefix));
  const inIpv4 = compileIpv4Ranges(prefixes.filter(({ family }) => family === 4));
  const inIpv6 = compileIpv6Ranges(prefixes.filter(({ family }) => family === 6));
  return (address) => (isIpv4(address) ? inIpv4(address[3]!) : inIpv6(address));
}

const never = () => false;

/** Compiles IPv4 prefixes into a predicate of the last word of an address. */
export function compileIpv4Ranges(prefixes: readonly PrefixBits[]): (address: number) => boolean {
  const ranges = prefixes.map(({ words, mask }): [number, number] => [
    words[3]!,
    (words[3]! | ~mask[3]!) >>> 0,
  ]);
  ranges.sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [first, last] of ranges) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  if (merged.length === 0) return never;
  const firsts = Uint32Array.from(merged, ([first]) => first);
  const lasts = Uint32Array.from(merged, ([, last]) => last);
  return (address) => {
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (firsts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address <= lasts[low - 1]!;
  };
}

/**
 * The same for all four words of IPv6 addresses. Prefixes are either nested or disjoint: without the nested ones, their ranges are disjoint.
 */
export function compileIpv6Ranges(prefixes: readonly PrefixBits[]): AddressPredicate {
  const sorted = [...prefixes].sort((a, b) => compareAddresses(a.words, b.words) || a.length - b.length);
  const outermost: PrefixBits[] = [];
  for (const prefix of sorted) {
    const previous = outermost.at(-1);
    if (previous === undefined || !hasPrefixBits(previous, prefix.words)) outermost.push(prefix);
  }
  if (outermost.length === 0) return never;
  const firsts = joinAddresses(outermost.map(({ words }) => words));
  return (address) => {
    const last = lastAtOrBefore(firsts, address);
    return last >= 0 && hasPrefixBits(outermost[last]!, address);
  };
}
