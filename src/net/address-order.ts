import type { Address } from "./address.js";

/** Compares addresses as 128-bit numbers; negative if `left` is lower. */
export function compareAddresses(left: Address, right: Address): number {
  return compareAt(left, 0, right);
}

/**
 * Index of the last address at or before `address` in a sorted list from {@link joinAddresses}; -1 if absent.
 */
export function lastAtOrBefore(sorted: Uint32Array, address: Address): number {
  let low = 0;
  let high = sorted.length >>> 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAt(sorted, 4 * middle, address) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Concatenates addresses, four words each. */
export function joinAddresses(addresses: readonly Address[]): Uint32Array {
  const joined = new Uint32Array(4 * addresses.length);
  addresses.forEach((address, index) => {
    joined.set(address, 4 * index);
  });
  return joined;
}

function compareAt(words: Uint32Array, start: number, address: Address): number {
  for (let index = 0; index < 4; index++) {
    const left = words[start + index]!;
    const right = address[index]!;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
