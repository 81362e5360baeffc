import { compareAddresses, joinAddresses, lastAtOrBefore } from "../../net/address-order.js";
import type { NetipPrefix } from "../../net/index.js";
import { cidrKeyContains } from "./cidr-label.js";

/** A prefix and its number. */
export interface NumberedCidr {
  readonly number: number;
  readonly cidr: NetipPrefix;
}

/** Finds which of many distinct prefixes contain a given one, by a binary search plus one step per level of nesting. */
export class CidrIndex {
  readonly #ipv4: Nest;
  readonly #ipv6: Nest;

  constructor(prefixes: readonly NumberedCidr[]) {
    this.#ipv4 = new Nest(prefixes.filter(({ cidr }) => cidr.family === 4));
    this.#ipv6 = new Nest(prefixes.filter(({ cidr }) => cidr.family === 6));
  }

  /** Returns the longest prefix that contains `inner`; its chain of parents holds all others that contain it. */
  holderOf(inner: NetipPrefix): NestedCidr | undefined {
    return (inner.family === 4 ? this.#ipv4 : this.#ipv6).holderOf(inner);
  }
}

/** A prefix, linked to the longest other prefix that contains it. */
export interface NestedCidr extends NumberedCidr {
  readonly parent: NestedCidr | undefined;
}

/** Prefixes of one address family. Two of them either nest or are disjoint. */
class Nest {
  readonly #sorted: NestedCidr[] = [];
  readonly #words: Uint32Array;

  constructor(prefixes: readonly NumberedCidr[]) {
    const sorted = [...prefixes].sort(
      ({ cidr: a }, { cidr: b }) => compareAddresses(a.words, b.words) || a.length - b.length,
    );
    this.#words = joinAddresses(sorted.map(({ cidr }) => cidr.words));
    for (const { number, cidr } of sorted) {
      this.#sorted.push({ number, cidr, parent: firstHolder(this.#sorted.at(-1), cidr) });
    }
  }

  holderOf(inner: NetipPrefix): NestedCidr | undefined {
    const last = lastAtOrBefore(this.#words, inner.words);
    // Either this prefix or one of its parents contains `inner`, or none does.
    return firstHolder(this.#sorted[last], inner);
  }
}

function firstHolder(from: NestedCidr | undefined, inner: NetipPrefix): NestedCidr | undefined {
  let holder = from;
  while (holder !== undefined && !cidrKeyContains(holder.cidr, inner)) holder = holder.parent;
  return holder;
}
