export {
  type Address,
  formatAddress,
  formatIpv4,
  formatIpv6,
  isIpv4,
  parseAddress,
  parseAddressInto,
} from "./address.js";
export { formatPrefix, type Prefix, parsePrefix, prefixContains, prefixContainsBytes } from "./prefix.js";
export { type AddressPredicate, compilePrefixSet } from "./prefix-set.js";
