import { checkArgument } from "../../errors/check-argument.js";
import { aListOf } from "../../errors/value-checks.js";
import { compileIpv4Ranges, compileIpv6Ranges } from "../prefix-set.js";
import type { NetipAddress } from "./address.js";
import { aNetipPrefix, type NetipPrefix } from "./prefix.js";

/** Whether an address is in any of the prefixes. Allocates nothing. */
export type NetipAddressPredicate = (address: NetipAddress) => boolean;

/**
 * Compiles prefixes into a predicate that is true if `netipPrefixContains` is true for any of them. Each call costs one
 * binary search over disjoint ranges, regardless of the number of prefixes and their overlap.
 *
 * @example
 *   const parsed = ["10.0.0.0/8", "fd00::/8"].map(parseNetipPrefix);
 *   const isPrivate = compileNetipPrefixSet(parsed.flatMap((one) => ("value" in one ? [one.value] : [])));
 */
export function compileNetipPrefixSet(prefixes: readonly NetipPrefix[]): NetipAddressPredicate {
  checkArgument("compileNetipPrefixSet", "prefixes", prefixes, aListOf(aNetipPrefix));
  const inIpv4 = compileIpv4Ranges(prefixes.filter(({ family }) => family === 4));
  const inIpv6 = compileIpv6Ranges(prefixes.filter(({ family }) => family === 6));
  return ({ family, words, zone }) => zone === "" && (family === 4 ? inIpv4(words[3]!) : inIpv6(words));
}
