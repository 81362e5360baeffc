import { compareAddresses, joinAddresses, lastAtOrBefore } from "../../net/address-order.js";
import { type CidrKey, cidrKeyContains } from "./cidr-label.js";

/** A prefix that has a number. */
export interface NumberedCidr {
  readonly number: number;
  readonly cidr: CidrKey;
}

/**
 * Finds which of many prefixes, all different, hold another one, at the cost of a binary search and a step for each that
 * nests there.
 */
export class CidrIndex {
  readonly #narrow: Nest;
  readonly #wide: Nest;

  constructor(prefixes: readonly NumberedCidr[]) {
    this.#narrow = new Nest(prefixes.filter(({ cidr }) => !cidr.wide));
    this.#wide = new Nest(prefixes.filter(({ cidr }) => cidr.wide));
  }

  /** The longest of the prefixes that hold this one; all others are its parents. */
  holderOf(inner: CidrKey): NestedCidr | undefined {
    return (inner.wide ? this.#wide : this.#narrow).holderOf(inner);
  }
}

/** A prefix and the longest other one that holds it, and so forth. */
export interface NestedCidr extends NumberedCidr {
  readonly parent: NestedCidr | undefined;
}

/** Prefixes of one kind: two of them nest, or have nothing in common. */
class Nest {
  readonly #sorted: NestedCidr[] = [];
  readonly #words: Uint32Array;

  constructor(prefixes: readonly NumberedCidr[]) {
    const sorted = [...prefixes].sort(
      ({ cidr: a }, { cidr: b }) => compareAddresses(a.prefix.words, b.prefix.words) || a.length - b.length,
    );
    this.#words = joinAddresses(sorted.map(({ cidr }) => cidr.prefix.words));
    for (const { number, cidr } of sorted) {
      this.#sorted.push({ number, cidr, parent: firstHolder(this.#sorted.at(-1), cidr) });
    }
  }

  holderOf(inner: CidrKey): NestedCidr | undefined {
    const last = lastAtOrBefore(this.#words, inner.prefix.words);
    // It holds the prefix, or all that do hold it, too.
    return firstHolder(this.#sorted[last], inner);
  }
}

function firstHolder(from: NestedCidr | undefined, inner: CidrKey): NestedCidr | undefined {
  let holder = from;
  while (holder !== undefined && !cidrKeyContains(holder.cidr, inner)) holder = holder.parent;
  return holder;
}
