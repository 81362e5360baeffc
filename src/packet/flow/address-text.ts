import { formatIpv4, formatIpv6 } from "../../net/index.js";
import { readUint16, readWord } from "../word.js";

/** Cached addresses of each kind; a power of two. On a collision the new address replaces the old one. */
export const ADDRESS_MEMO_SLOTS = 8192;

/**
 * Formats addresses in packets as strings. Recent ones come from direct-mapped tables (one slot per hash), which bounds
 * the memory and needs no probing; formatting takes several times as long and creates garbage.
 */
export interface AddressText {
  ipv4(bytes: Uint8Array, at: number): string;
  ipv6(bytes: Uint8Array, at: number): string;
  mac(bytes: Uint8Array, at: number): string;
}

let shared: AddressText | undefined;

/** Returns the cache shared by all decoders; its results depend only on the bytes. Created on first use. */
export function addressText(): AddressText {
  shared ??= createAddressText(ADDRESS_MEMO_SLOTS);
  return shared;
}

// Every slot initially holds the all-zero address and its string, so that keys need no "unset" value.
export function createAddressText(slots: number): AddressText {
  const shift = Math.clz32(slots - 1);
  const v4Keys = new Int32Array(slots);
  const v4Texts: string[] = new Array(slots).fill("0.0.0.0");
  const v6Keys = new Int32Array(4 * slots);
  const v6Texts: string[] = new Array(slots).fill("::");
  const macKeys = new Int32Array(2 * slots);
  const macTexts: string[] = new Array(slots).fill("00:00:00:00:00:00");
  return {
    ipv4(bytes, at) {
      const word = readWord(bytes, at);
      const slot = Math.imul(word, HASH) >>> shift;
      if (v4Keys[slot] === word) return v4Texts[slot]!;
      v4Keys[slot] = word;
      v4Texts[slot] = formatIpv4(bytes, at);
      return v4Texts[slot];
    },
    ipv6(bytes, at) {
      const a = readWord(bytes, at);
      const b = readWord(bytes, at + 4);
      const c = readWord(bytes, at + 8);
      const d = readWord(bytes, at + 12);
      const slot = Math.imul(Math.imul(Math.imul(a ^ 1, HASH) + b, HASH) + (c ^ d), HASH) >>> shift;
      const key = slot << 2;
      if (v6Keys[key] === a && v6Keys[key + 1] === b && v6Keys[key + 2] === c && v6Keys[key + 3] === d) {
        return v6Texts[slot]!;
      }
      v6Keys[key] = a;
      v6Keys[key + 1] = b;
      v6Keys[key + 2] = c;
      v6Keys[key + 3] = d;
      v6Texts[slot] = formatIpv6(bytes, at);
      return v6Texts[slot];
    },
    mac(bytes, at) {
      const high = readUint16(bytes, at);
      const low = readWord(bytes, at + 2);
      const slot = Math.imul(low ^ (high << 16), HASH) >>> shift;
      const key = slot << 1;
      if (macKeys[key] === low && macKeys[key + 1] === high) return macTexts[slot]!;
      macKeys[key] = low;
      macKeys[key + 1] = high;
      macTexts[slot] = formatMac(bytes, at);
      return macTexts[slot];
    },
  };
}

/** 2³² divided by the golden ratio: multiplication by it spreads neighbouring keys over the upper bits. */
const HASH = 0x9e3779b1 | 0;

/** Lowercase hexadecimal with colons, like Go's `net.HardwareAddr.String`. */
function formatMac(bytes: Uint8Array, at: number): string {
  let text = HEX[bytes[at]!]!;
  for (let index = at + 1; index < at + 6; index++) text += COLON_HEX[bytes[index]!]!;
  return text;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const COLON_HEX: readonly string[] = HEX.map((byte) => `:${byte}`);
