import { goQuote } from "../../go/strconv/quote.js";

/**
 * The error text of Go's `netip.ParseAddr`, such as `ParseAddr("1.2.3"): IPv4 address too short`; undefined for a valid
 * address. It reports the first fault from left to right, except that an empty zone comes before other faults of an IPv6
 * address.
 */
export function netipAddressFault(text: string): string | undefined {
  const fault = findFault(text);
  if (fault === undefined) return undefined;
  const rest = fault.rest === undefined || fault.rest === "" ? "" : ` (at ${goQuote(fault.rest)})`;
  return `ParseAddr(${goQuote(text)}): ${fault.reason}${rest}`;
}

interface AddressFault {
  readonly reason: string;
  /** The part of the address, without its zone, that was not parsed; absent if Go does not report it. */
  readonly rest?: string;
}

const FIRST_SEPARATOR = /[.:%]/;

function findFault(text: string): AddressFault | undefined {
  switch (FIRST_SEPARATOR.exec(text)?.[0]) {
    case ".":
      return ipv4Fault(text);
    case ":":
      return ipv6Fault(text);
    case "%":
      return { reason: "missing IPv6 address" };
    default:
      return { reason: "unable to parse IP" };
  }
}

/** The fault of a dotted decimal address, or of the one at the end of an IPv6 address. */
function ipv4Fault(text: string): AddressFault | undefined {
  let value = 0;
  let digits = 0;
  let dots = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (character === ".") {
      if (digits === 0 || index === text.length - 1) {
        return { reason: "IPv4 field must have at least one digit", rest: text.slice(index) };
      }
      if (dots === 3) return { reason: "IPv4 address too long" };
      dots++;
      value = 0;
      digits = 0;
    } else if (character >= "0" && character <= "9") {
      if (digits === 1 && value === 0) return { reason: "IPv4 field has octet with leading zero" };
      value = 10 * value + Number(character);
      digits++;
      if (value > 255) return { reason: "IPv4 field has value >255" };
    } else {
      return { reason: "unexpected character", rest: text.slice(index) };
    }
  }
  return dots < 3 ? { reason: "IPv4 address too short" } : undefined;
}

const GROUPS = 8;
/** At most five digits, as the fifth is already a fault. */
const HEX_DIGITS = /[0-9A-Fa-f]{0,5}/y;

function ipv6Fault(text: string): AddressFault | undefined {
  const percent = text.indexOf("%");
  if (percent === text.length - 1) return { reason: "zone must be a non-empty string" };
  const address = percent < 0 ? text : text.slice(0, percent);
  const startsWithGap = address.startsWith("::");
  let hasGap = startsWithGap;
  let index = startsWithGap ? 2 : 0;
  if (index === address.length) return undefined;
  const fault = (reason: string): AddressFault => ({ reason, rest: address.slice(index) });

  let groups = 0;
  while (groups < GROUPS) {
    HEX_DIGITS.lastIndex = index;
    const digits = HEX_DIGITS.exec(address)![0].length;
    if (digits > 4) return fault("each group must have 4 or less digits");
    if (digits === 0) return fault("each colon-separated field must have at least one digit");
    if (address[index + digits] === ".") {
      if (!hasGap && groups !== GROUPS - 2) {
        return fault("embedded IPv4 address must replace the final 2 fields of the address");
      }
      if (groups > GROUPS - 2) {
        return fault("too many hex fields to fit an embedded IPv4 at the end of the address");
      }
      const ipv4 = ipv4Fault(address.slice(index));
      if (ipv4 !== undefined) return ipv4;
      groups += 2;
      index = address.length;
      break;
    }
    groups++;
    index += digits;
    if (index === address.length) break;
    if (address[index] !== ":") return fault("unexpected character, want colon");
    if (index === address.length - 1) return fault("colon must be followed by more characters");
    index++;
    if (address[index] === ":") {
      if (hasGap) return fault("multiple :: in address");
      hasGap = true;
      index++;
      if (index === address.length) break;
    }
  }
  if (index < address.length) return fault("trailing garbage after address");
  if (groups < GROUPS) return hasGap ? undefined : { reason: "address string too short" };
  return hasGap ? { reason: "the :: must expand to at least one field of zeros" } : undefined;
}
