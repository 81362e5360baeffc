import { formatAddress, parseAddress } from "../../net/index.js";

/** Returns the usual spelling of an address, that of IPv4 for IPv4-mapped ones; undefined if it is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}
