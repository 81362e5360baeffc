import { checkArgument } from "../../errors/check-argument.js";
import { isIterable, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import { formatAddress, parseAddress } from "../../net/index.js";

/** The maximum number of addresses in a set; the kernel's table of an eBPF capture has as many. */
export const MAX_ADDRESSES = 65_536;

/** What follows the changes of a set. Addresses are 4 words of 32 bits, IPv4 as `::ffff:0:0/96`. */
export interface AddressSetFollower {
  add(words: Uint32Array): void;
  delete(words: Uint32Array): void;
}

/**
 * A set of addresses that may change while packets are captured, such as those of the pods of a deployment. A capture that
 * is opened with it contains the packets from or to any address of the set, from the moment on at which `add` returns.
 *
 * ```ts
 * const addresses = createAddressSet();
 * await using source = await openEbpf("eth0", { addresses });
 * addresses.add("10.0.1.7");
 * ```
 */
export interface AddressSet {
  /**
   * Adds an address; has no effect if the set has it.
   *
   * @throws TypeError if it is not an IP address; RangeError for more than 65,536 addresses.
   */
  add(address: string): void;
  /** Removes an address. Returns whether the set had it. */
  delete(address: string): boolean;
  /** Addresses are compared by value; IPv4-mapped ones are IPv4. */
  has(address: string): boolean;
  readonly size: number;
  /** The addresses in their usual spelling. */
  [Symbol.iterator](): IterableIterator<string>;
  /**
   * Passes the addresses of the set and all later changes to a capture. Returns a function that ends it.
   *
   * @internal
   */
  follow(follower: AddressSetFollower): () => void;
}

/**
 * Creates an empty set of addresses, or one with these.
 *
 * @example
 * ```ts
 * const addresses = createAddressSet(["10.0.1.7", "fd00::7"]);
 * ```
 *
 * @throws As {@link AddressSet.add} does.
 */
export function createAddressSet(addresses: Iterable<string> = []): AddressSet {
  checkArgument("createAddressSet", "addresses", addresses, anIterableOfAddresses);
  const set = new Addresses();
  for (const address of addresses) set.add(address);
  return set;
}

const anIterableOfAddresses: ValueCheck<Iterable<string>> = valueCheck(
  "a list of addresses",
  (value) => typeof value !== "string" && isIterable(value),
);

class Addresses implements AddressSet {
  readonly #words = new Map<string, Uint32Array>();
  readonly #followers = new Set<AddressSetFollower>();

  get size(): number {
    return this.#words.size;
  }

  add(address: string): void {
    const words = parse("add", address);
    const text = formatAddress(words);
    if (this.#words.has(text)) return;
    if (this.#words.size >= MAX_ADDRESSES)
      throw new RangeError(`a set has at most ${MAX_ADDRESSES} addresses`);
    const done: AddressSetFollower[] = [];
    try {
      for (const follower of this.#followers) {
        follower.add(words);
        done.push(follower);
      }
    } catch (error) {
      for (const follower of done) follower.delete(words);
      throw error;
    }
    this.#words.set(text, words);
  }

  delete(address: string): boolean {
    const words = parse("delete", address);
    const had = this.#words.delete(formatAddress(words));
    if (had) for (const follower of this.#followers) follower.delete(words);
    return had;
  }

  has(address: string): boolean {
    return this.#words.has(formatAddress(parse("has", address)));
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#words.keys();
  }

  follow(follower: AddressSetFollower): () => void {
    for (const words of this.#words.values()) follower.add(words);
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
    };
  }
}

function parse(name: string, address: string): Uint32Array {
  const words = typeof address === "string" ? parseAddress(address) : undefined;
  if (words === undefined) throw new TypeError(`${name}: ${JSON.stringify(address)} is not an IP address`);
  return Uint32Array.from(words);
}
