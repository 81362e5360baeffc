import { readWord } from "../../word.js";

// https://www.rfc-editor.org/rfc/rfc8200#section-4.2, and for jumbograms
// https://www.rfc-editor.org/rfc/rfc2675#section-2
const PAD_1 = 0;
const JUMBO_PAYLOAD = 0xc2;
const MAX_PLAIN_PAYLOAD = 0xffff;

/**
 * Returns gopacket's error for the hop-by-hop header at `start` (layers/ip6.go), or undefined if it is well-formed. As
 * in gopacket, an option may extend beyond the header if the bytes were captured.
 *
 * @param end End offset of the captured bytes.
 * @param payloadLength The payload length in the IPv6 header.
 */
export function hopByHopFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  payloadLength: number,
): string | undefined {
  const captured = end - start;
  if (captured < 2) return `Invalid ip6-extension header. Length ${captured} less than 2`;
  const length = 8 * (bytes[start + 1]! + 1);
  if (captured < length) {
    return `Invalid ip6-extension header. Length ${captured} less than specified length ${length}`;
  }
  for (let at = start + 2; at < start + length; ) {
    if (end - at < 2) return "IPv6 header option too small";
    if (bytes[at] === PAD_1) {
      at++;
      continue;
    }
    at += 2 + bytes[at + 1]!;
    if (at > end) return "IPv6 header TLV option too small";
  }
  return jumboFault(bytes, start, payloadLength);
}

function jumboFault(bytes: Uint8Array, start: number, payloadLength: number): string | undefined {
  const option = jumboOption(bytes, start);
  if (option === undefined) {
    return payloadLength === 0
      ? "IPv6 length 0, but HopByHop header does not have jumbogram option"
      : undefined;
  }
  if (bytes[option + 1] !== 4) return "Jumbo length TLV data must have length 4";
  if (readWord(bytes, option + 2) >>> 0 <= MAX_PLAIN_PAYLOAD) {
    return `Jumbo length cannot be less than ${MAX_PLAIN_PAYLOAD + 1}`;
  }
  return payloadLength === 0 ? undefined : "IPv6 has jumbo length and IPv6 length is not 0";
}

/** The length in the jumbo payload option of the hop-by-hop header at `start`. The caller checks that it is present. */
export function jumboPayloadLength(bytes: Uint8Array, start: number): number {
  return readWord(bytes, (jumboOption(bytes, start) as number) + 2) >>> 0;
}

/** Offset of the first jumbo payload option in a header with well-formed options. */
function jumboOption(bytes: Uint8Array, start: number): number | undefined {
  const end = start + 8 * (bytes[start + 1]! + 1);
  for (let at = start + 2; at < end; at += bytes[at] === PAD_1 ? 1 : 2 + bytes[at + 1]!) {
    if (bytes[at] === JUMBO_PAYLOAD) return at;
  }
  return undefined;
}
