export type { Result } from "../go/result.js";
export {
  type Address,
  formatAddress,
  formatIpv4,
  formatIpv6,
  isIpv4,
  parseAddress,
  parseAddressInto,
} from "./address.js";
export {
  createNetipAddressBuffer,
  formatNetipAddress,
  type NetipAddress,
  type NetipAddressBuffer,
  parseNetipAddress,
  parseNetipAddressInto,
} from "./netip/address.js";
export {
  formatNetipPrefix,
  type NetipPrefix,
  netipPrefixContains,
  parseNetipPrefix,
} from "./netip/prefix.js";
export { compileNetipPrefixSet, type NetipAddressPredicate } from "./netip/prefix-set.js";
export {
  formatPrefix,
  type Prefix,
  type PrefixBits,
  parsePrefix,
  prefixContains,
  prefixContainsBytes,
} from "./prefix.js";
export { type AddressPredicate, compilePrefixSet } from "./prefix-set.js";
