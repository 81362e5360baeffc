import { checkArgument } from "../../errors/check-argument.js";
import { aString, isObject, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import type { Result } from "../../go/result.js";
import { parseInt64 } from "../../go/strconv/parse-integer.js";
import { goQuote } from "../../go/strconv/quote.js";
import { hasPrefixBits, maskAddress, type PrefixBits } from "../prefix.js";
import { aNetipAddress, formatNetipAddress, type NetipAddress, parseNetipAddress } from "./address.js";

/**
 * A network prefix with the meaning of Go's `netip.Prefix`: IPv4 prefixes contain IPv4 addresses, and IPv6 prefixes IPv6
 * addresses, among them IPv4-mapped ones.
 */
export interface NetipPrefix extends PrefixBits {
  readonly family: 4 | 6;
}

export const aNetipPrefix: ValueCheck<NetipPrefix> = valueCheck(
  "a prefix as parseNetipPrefix returns it",
  (value) => isObject(value) && "words" in value && value.words instanceof Uint32Array,
);

const DECIMAL = /^(?:0|[1-9][0-9]*)$/;

/**
 * Parses a prefix like Go's `netip.ParsePrefix`: an address without a zone, a slash, and a decimal length without leading
 * zeros, up to 32 or 128. Host bits are cleared, as `Prefix.Masked` does. The fault is Go's error text.
 *
 * @example
 *   parseNetipPrefix("10.1.2.3/8"); // { value: { family: 4, length: 8, words, mask } }
 *   parseNetipPrefix("10.0.0.0/08"); // { fault: 'netip.ParsePrefix("10.0.0.0/08"): bad bits after slash: "08"' }
 */
export function parseNetipPrefix(text: string): Result<NetipPrefix> {
  checkArgument("parseNetipPrefix", "text", text, aString);
  const faultOf = (reason: string) => ({ fault: `netip.ParsePrefix(${goQuote(text)}): ${reason}` });
  const slash = text.lastIndexOf("/");
  if (slash < 0) return faultOf("no '/'");
  const address = parseNetipAddress(text.slice(0, slash));
  if ("fault" in address) return faultOf(address.fault);
  const { family, words, zone } = address.value;
  if (zone !== "") return faultOf("IPv6 zones cannot be present in a prefix");
  const digits = text.slice(slash + 1);
  const length = DECIMAL.test(digits) ? parseInt64(digits) : undefined;
  if (length === undefined) return faultOf(`bad bits after slash: ${goQuote(digits)}`);
  if (length > (family === 4 ? 32 : 128)) return faultOf("prefix length out of range");
  const bits = Number(length);
  return {
    value: { family, length: bits, words, mask: maskAddress(words, family === 4 ? bits + 96 : bits) },
  };
}

/**
 * Formats a prefix like Go's `netip.Prefix.String`, with host bits cleared.
 *
 * @example
 *   const parsed = parseNetipPrefix("::ffff:1.2.3.4/120");
 *   if ("value" in parsed) formatNetipPrefix(parsed.value); // "::ffff:1.2.3.0/120"
 */
export function formatNetipPrefix(prefix: NetipPrefix): string {
  checkArgument("formatNetipPrefix", "prefix", prefix, aNetipPrefix);
  const { family, words, length } = prefix;
  return `${formatNetipAddress({ family, words, zone: "" })}/${length}`;
}

/**
 * Whether a prefix contains an address, as Go's `netip.Prefix.Contains`: both are of the same family, and the address has
 * no zone.
 *
 * @example
 *   netipPrefixContains(prefix, address); // false for 0.0.0.0/0 and ::ffff:1.2.3.4
 */
export function netipPrefixContains(prefix: NetipPrefix, address: NetipAddress): boolean {
  if (prefix?.words === undefined) checkArgument("netipPrefixContains", "prefix", prefix, aNetipPrefix);
  if (address?.words === undefined) checkArgument("netipPrefixContains", "address", address, aNetipAddress);
  return prefix.family === address.family && address.zone === "" && hasPrefixBits(prefix, address.words);
}
