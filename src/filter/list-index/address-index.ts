import type { Flow } from "../../gen/flow/flow_pb.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { compareAddresses, joinAddresses, lastAtOrBefore } from "../../net/address-order.js";
import {
  createNetipAddressBuffer,
  isIpv4,
  type NetipPrefix,
  parseAddressInto,
  parseNetipAddressInto,
} from "../../net/index.js";
import { hasPrefixBits } from "../../net/prefix.js";
import type { Bucket, FlowIndex, FlowTest } from "./flow-index.js";
import { parentsOf } from "./nesting.js";

/**
 * An index by addresses, compared as strings, and by prefixes.
 *
 * @param ipFilters How addresses of flows are parsed; the prefixes are those of the same parser.
 */
export function addressIndex(
  cost: number,
  read: (flow: Flow) => string | undefined,
  ipFilters: HubbleRules["ipFilters"],
): FlowIndex<string | NetipPrefix> {
  const compilePrefixes = COMPILE_PREFIXES[ipFilters];
  return {
    cost,
    nameOf: (value) => (typeof value === "string" ? value : prefixName(value)),
    compile(buckets) {
      const exact = new Map<string, FlowTest>();
      const prefixes: Bucket<NetipPrefix>[] = [];
      for (const { value, test } of buckets) {
        if (typeof value === "string") exact.set(value, test);
        else prefixes.push({ value, test });
      }
      const find = prefixes.length === 0 ? undefined : compilePrefixes(prefixes);
      return (flow) => {
        const text = read(flow);
        if (text === undefined || text === "") return false;
        return exact.get(text)?.(flow) === true || find?.(text, flow) === true;
      };
    },
  };
}

/** A number for IPv4, as it is faster than a string. */
function prefixName({ family, words, length }: NetipPrefix): string | number {
  return family === 4 ? 64 * words[3]! + length : `${words[0]},${words[1]},${words[2]},${words[3]}/${length}`;
}

type PrefixLookup = (text: string, flow: Flow) => boolean;

const COMPILE_PREFIXES: {
  readonly [K in HubbleRules["ipFilters"]]: (buckets: readonly Bucket<NetipPrefix>[]) => PrefixLookup;
} = {
  net(buckets) {
    const [ipv4, ipv6] = nestsOf(buckets);
    const words = new Uint32Array(4);
    return (text, flow) => {
      if (!parseAddressInto(text, words)) return false;
      return isIpv4(words) ? ipv4.findIpv4(words, flow) : ipv6.find(words, flow);
    };
  },
  netip(buckets) {
    const [ipv4, ipv6] = nestsOf(buckets);
    const address = createNetipAddressBuffer();
    return (text, flow) => {
      if (!parseNetipAddressInto(text, address) || address.zone !== "") return false;
      const { family, words } = address;
      return family === 4 ? ipv4.findIpv4(words, flow) : ipv6.find(words, flow);
    };
  },
};

function nestsOf(buckets: readonly Bucket<NetipPrefix>[]): [ipv4: Nest, ipv6: Nest] {
  const ofFamily = (family: 4 | 6) => new Nest(buckets.filter(({ value }) => value.family === family));
  return [ofFamily(4), ofFamily(6)];
}

/** Prefixes of one address family. Two of them either nest or are disjoint. */
class Nest {
  readonly #prefixes: readonly NetipPrefix[];
  readonly #tests: readonly FlowTest[];
  readonly #parents: Int32Array;
  /** The lowest addresses, four words each, and their last words. */
  readonly #firsts: Uint32Array;
  readonly #lastWords: Uint32Array;

  constructor(buckets: readonly Bucket<NetipPrefix>[]) {
    const sorted = [...buckets].sort(
      ({ value: a }, { value: b }) => compareAddresses(a.words, b.words) || a.length - b.length,
    );
    this.#prefixes = sorted.map(({ value }) => value);
    this.#tests = sorted.map(({ test }) => test);
    this.#parents = parentsOf(
      this.#prefixes,
      (outer, inner) => outer.length <= inner.length && hasPrefixBits(outer, inner.words),
    );
    this.#firsts = joinAddresses(this.#prefixes.map(({ words }) => words));
    this.#lastWords = Uint32Array.from(this.#prefixes, ({ words }) => words[3]!);
  }

  find(address: Uint32Array, flow: Flow): boolean {
    return this.#findFrom(lastAtOrBefore(this.#firsts, address), address, flow);
  }

  /** IPv4 addresses and prefixes differ in their last word only. */
  findIpv4(address: Uint32Array, flow: Flow): boolean {
    const firsts = this.#lastWords;
    const wanted = address[3]!;
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (firsts[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    return this.#findFrom(low - 1, address, flow);
  }

  /** Either the prefix at `start` or one of its parents contains the address, or none does. */
  #findFrom(start: number, address: Uint32Array, flow: Flow): boolean {
    for (let index = start; index >= 0; index = this.#parents[index]!) {
      if (hasPrefixBits(this.#prefixes[index]!, address) && this.#tests[index]!(flow)) return true;
    }
    return false;
  }
}
