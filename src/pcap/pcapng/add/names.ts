import { checkArgument } from "../../../errors/check-argument.js";
import { optionsOf } from "../../../errors/check-options.js";
import { aListOf, aString, required, type ValueCheck, valueCheck } from "../../../errors/value-checks.js";
import { isIpv4, parseAddress } from "../../../net/index.js";
import type { SideBlock } from "../../../packet/side-blocks.js";
import { NAME_RESOLUTION, OPTION_HEADER_LENGTH, padded } from "../format.js";

/** The names of an address for a Name Resolution Block. */
export interface AddressNames {
  /** IPv4 or IPv6, as a string. */
  readonly address: string;
  /** The first one is what Wireshark shows. */
  readonly names: readonly string[];
}

/** Returns the names of an address; an empty list or undefined if it has none. Must not throw. */
export type NameLookup = (address: string) => readonly string[] | undefined;

/** Names that are all written before the first packet, or a lookup, called when the file first has an address. */
export type NamesOption = NameLookup | readonly AddressNames[];

const anAddress: ValueCheck<string> = valueCheck(
  "an IP address",
  (value) => typeof value === "string" && parseAddress(value) !== undefined,
);

const someNames: ValueCheck<readonly AddressNames[]> = aListOf(
  optionsOf<AddressNames>("names", { address: required(anAddress), names: required(aListOf(aString)) }),
);

export const aNamesOption: ValueCheck<NamesOption> = (value, path, report) => {
  if (typeof value !== "function") someNames(value, path, report);
};

const NRB_IPV4 = 1;
const NRB_IPV6 = 2;
const MAX_RECORD_BYTES = 0xffff;
const utf8 = new TextEncoder();

/**
 * Creates a Name Resolution Block (draft-ietf-opsawg-pcapng section 4.5). Names that do not fit the 65,535 bytes of the
 * record of their address are left out, as are empty names.
 *
 * @param before The index in its batch of the packet that the block precedes.
 *
 * @example
 * ```ts
 * const blocks = [namesBlock([{ address: "10.0.1.5", names: ["default/web-0"] }])];
 * const named = { ...batch, pcapng: { blocks } };
 * ```
 *
 * @throws TypeError for invalid entries, also for an address that is not IPv4 or IPv6.
 */
export function namesBlock(entries: readonly AddressNames[], before = 0): SideBlock {
  checkArgument("namesBlock", "entries", entries, someNames);
  const records = entries.map(recordOf);
  const length = records.reduce((sum, { length }) => sum + length, 0);
  // Ends with nrb_record_end, which is 0.
  const body = new Uint8Array(length + OPTION_HEADER_LENGTH);
  let at = 0;
  for (const record of records) {
    body.set(record, at);
    at += record.length;
  }
  return { before, type: NAME_RESOLUTION, body };
}

function recordOf({ address, names }: AddressNames, index: number): Uint8Array {
  const addressBytes = bytesOf(address);
  if (addressBytes === undefined)
    throw new TypeError(
      `namesBlock: entries[${index}].address is not an IP address: ${JSON.stringify(address)}`,
    );
  const parts = [addressBytes];
  let length = addressBytes.length;
  for (const name of names) {
    // A name ends at its first NUL.
    const bytes = utf8.encode(`${name.replaceAll("\0", "")}\0`);
    if (bytes.length === 1 || length + bytes.length > MAX_RECORD_BYTES) continue;
    parts.push(bytes);
    length += bytes.length;
  }
  // A record without a name would be malformed.
  if (parts.length === 1) return new Uint8Array(0);
  const record = new Uint8Array(OPTION_HEADER_LENGTH + padded(length));
  const view = new DataView(record.buffer);
  view.setUint16(0, addressBytes.length === 4 ? NRB_IPV4 : NRB_IPV6, true);
  view.setUint16(2, length, true);
  let at = OPTION_HEADER_LENGTH;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return record;
}

/** The address in network byte order; undefined if it is invalid. */
function bytesOf(text: string): Uint8Array | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  address.forEach((word, index) => {
    view.setUint32(4 * index, word);
  });
  return isIpv4(address) ? bytes.subarray(12) : bytes;
}
