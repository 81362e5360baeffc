// A naive implementation of net/netip, independent of src/net: regular expressions and BigInt, by way of ../naive.ts.
import { naiveFormatAddress, naiveIsIpv4, naiveParseAddress } from "../naive.js";

export interface NaiveNetipAddress {
  readonly width: 32 | 128;
  readonly value: bigint;
  readonly zone: string;
}

export function naiveParse(text: string): NaiveNetipAddress | undefined {
  const [, address = "", percent, zone = ""] = /^([^%]*)(%)?(.*)$/s.exec(text) ?? [];
  const value = naiveParseAddress(address);
  if (value === undefined) return undefined;
  if (!address.includes(":"))
    return percent ? undefined : { width: 32, value: value & 0xffff_ffffn, zone: "" };
  return percent && zone === "" ? undefined : { width: 128, value, zone };
}

export function naiveFormat({ width, value, zone }: NaiveNetipAddress): string {
  if (width === 32) return naiveFormatAddress(0xffff_0000_0000n | value);
  return `${naiveIsIpv4(value) ? "::ffff:" : ""}${naiveFormatAddress(value)}${zone && `%${zone}`}`;
}

export interface NaiveNetipPrefix {
  readonly width: 32 | 128;
  /** The first bits, as a string of zeros and ones. */
  readonly bits: string;
}

export function naiveParsePrefix(text: string): NaiveNetipPrefix | undefined {
  const match = /^(?<address>.*)\/(?<length>0|[1-9][0-9]{0,2})$/s.exec(text);
  const address = naiveParse(match?.groups?.address ?? "");
  const length = Number(match?.groups?.length);
  if (address === undefined || address.zone !== "" || length > address.width) return undefined;
  return { width: address.width, bits: bitsOf(address).slice(0, length) };
}

export function naiveContains(prefix: NaiveNetipPrefix, address: NaiveNetipAddress): boolean {
  return prefix.width === address.width && address.zone === "" && bitsOf(address).startsWith(prefix.bits);
}

function bitsOf({ width, value }: NaiveNetipAddress): string {
  return value.toString(2).padStart(width, "0");
}
