import { checkArgument } from "../../errors/check-argument.js";
import { aString, isObject, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import type { Result } from "../../go/result.js";
import { type Address, formatAddress, isIpv4, parseDotted, parseGroups } from "../address.js";
import { netipAddressFault } from "./address-fault.js";

/**
 * An IP address with the meaning of Go's `netip.Addr`: an IPv4-mapped IPv6 address such as `::ffff:1.2.3.4` is an IPv6
 * address and differs from `1.2.3.4`, and IPv6 addresses may have a zone.
 */
export interface NetipAddress {
  readonly family: 4 | 6;
  /** Four 32-bit words, as in {@link Address}. `family` distinguishes `1.2.3.4` from `::ffff:1.2.3.4`. */
  readonly words: Address;
  /** The zone without its percent sign; empty if the address has none. */
  readonly zone: string;
}

/** A {@link NetipAddress} that can be written to. */
export type NetipAddressBuffer = { -readonly [K in keyof NetipAddress]: NetipAddress[K] };

export const aNetipAddress: ValueCheck<NetipAddress> = valueCheck(
  "an address as parseNetipAddress returns it",
  (value) => isObject(value) && "words" in value && value.words instanceof Uint32Array && "zone" in value,
);

/**
 * Parses an address like Go's `netip.ParseAddr`. It accepts what `parseAddress` accepts and, in IPv6 addresses, a zone:
 * anything that is not empty after the first `%`. The fault is Go's error text.
 *
 * @example
 *   parseNetipAddress("fe80::1%eth0"); // { value: { family: 6, words, zone: "eth0" } }
 *   parseNetipAddress("1.2.3"); // { fault: 'ParseAddr("1.2.3"): IPv4 address too short' }
 */
export function parseNetipAddress(text: string): Result<NetipAddress> {
  if (typeof text !== "string") checkArgument("parseNetipAddress", "text", text, aString);
  const fault = netipAddressFault(text);
  if (fault !== undefined) return { fault };
  const value = createNetipAddressBuffer();
  parseNetipAddressInto(text, value);
  return { value };
}

/** Creates a buffer for {@link parseNetipAddressInto}. It holds `0.0.0.0`. */
export function createNetipAddressBuffer(): NetipAddressBuffer {
  return { family: 4, words: Uint32Array.of(0, 0, 0xffff, 0), zone: "" };
}

/**
 * Like {@link parseNetipAddress}, but writes to `buffer` and allocates nothing for addresses without a zone. Returns false
 * for an invalid address; the content of `buffer` is then undefined.
 *
 * @example
 *   const buffer = createNetipAddressBuffer();
 *   const isBlocked = (text: string) => parseNetipAddressInto(text, buffer) && inPrefixes(buffer);
 */
export function parseNetipAddressInto(text: string, buffer: NetipAddressBuffer): boolean {
  if (typeof text !== "string") checkArgument("parseNetipAddressInto", "text", text, aString);
  const { words } = buffer;
  buffer.zone = "";
  if (parseDotted(text, 0, words)) {
    buffer.family = 4;
    return true;
  }
  buffer.family = 6;
  if (parseGroups(text, words)) return true;
  const percent = text.indexOf("%");
  if (percent < 0 || percent === text.length - 1) return false;
  buffer.zone = text.slice(percent + 1);
  return parseGroups(text.slice(0, percent), words);
}

/**
 * Formats an address like Go's `netip.Addr.String`: as in RFC 5952, IPv4-mapped addresses with a dotted tail, and with its
 * zone.
 *
 * @example
 *   const parsed = parseNetipAddress("::FFFF:102:304");
 *   if ("value" in parsed) formatNetipAddress(parsed.value); // "::ffff:1.2.3.4"
 */
export function formatNetipAddress(address: NetipAddress): string {
  checkArgument("formatNetipAddress", "address", address, aNetipAddress);
  const { family, words, zone } = address;
  const mapped = family === 6 && isIpv4(words) ? "::ffff:" : "";
  return `${mapped}${formatAddress(words)}${zone === "" ? "" : `%${zone}`}`;
}
