// A naive implementation of the same rules, obviously correct and independent of src/net: regular
// expressions for the strings, BigInt for the values, byte arrays as in Go's net.IPNet for containment.

export function naiveParseAddress(text: string): bigint | undefined {
  const ipv4 = naiveIpv4(text);
  if (ipv4 !== undefined) return 0xffff_0000_0000n | ipv4;
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return undefined;
  const lists = halves.map((half) => (half === "" ? [] : half.split(":")));
  const dotted = lists.at(-1)?.at(-1);
  if (dotted?.includes(".")) {
    const tail = naiveIpv4(dotted);
    if (tail === undefined) return undefined;
    lists.at(-1)?.splice(-1, 1, (tail >> 16n).toString(16), (tail & 0xffffn).toString(16));
  }
  const written = lists.flat();
  if (!written.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  if (halves.length === 1 ? written.length !== 8 : written.length > 7) return undefined;
  const zeros = Array<string>(8 - written.length).fill("0");
  const groups = [...(lists[0] ?? []), ...zeros, ...(lists[1] ?? [])];
  return BigInt(`0x${groups.map((group) => group.padStart(4, "0")).join("")}`);
}

export function naiveFormatAddress(value: bigint): string {
  if (naiveIsIpv4(value)) {
    return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  }
  const groups = value.toString(16).padStart(32, "0").match(/.{4}/g) ?? [];
  const text = groups.map((group) => group.replace(/^0{1,3}/, ""));
  for (let length = 8; length >= 2; length--) {
    for (let first = 0; first + length <= 8; first++) {
      if (text.slice(first, first + length).every((group) => group === "0")) {
        return `${text.slice(0, first).join(":")}::${text.slice(first + length).join(":")}`;
      }
    }
  }
  return text.join(":");
}

/** Go's IPNet: a network number and a mask, 4 or 16 bytes each. */
export interface NaivePrefix {
  number: number[];
  mask: number[];
}

export function naiveParsePrefix(text: string): NaivePrefix | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const value = naiveParseAddress(address);
  if (value === undefined || rest.length > 0 || !/^[0-9]+$/.test(length)) return undefined;
  const width = address.includes(":") ? 128 : 32;
  const ones = BigInt(length);
  if (ones > BigInt(width)) return undefined;
  const bits = "1".repeat(Number(ones)).padEnd(width, "0");
  const mask = toBytes(BigInt(`0b${bits}`), width / 8);
  const ip = toBytes(value, 16).slice(-mask.length);
  const masked = ip.map((byte, index) => byte & (mask[index] ?? 0));
  const number = to4(masked);
  return { number, mask: mask.slice(-number.length) };
}

export function naiveFormatPrefix({ number, mask }: NaivePrefix): string {
  const value = number.length === 4 ? 0xffff_0000_0000n | fromBytes(number) : fromBytes(number);
  const ones = [...fromBytes(mask).toString(2)].filter((bit) => bit === "1").length;
  return `${naiveFormatAddress(value)}/${ones}`;
}

export function naiveContains({ number, mask }: NaivePrefix, value: bigint): boolean {
  return naiveContainsBytes({ number, mask }, to4(toBytes(value, 16)));
}

/** For an address in a packet: any 4 or 16 bytes. */
export function naiveContainsBytes({ number, mask }: NaivePrefix, ip: number[]): boolean {
  return (
    ip.length === number.length && ip.every((byte, index) => (byte & (mask[index] ?? 0)) === number[index])
  );
}

export function naiveIsIpv4(value: bigint): boolean {
  return value >> 32n === 0xffffn;
}

export function toBytes(value: bigint, length: number): number[] {
  return Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 255n));
}

export function fromWords(words: Uint32Array): bigint {
  return words.reduce((value, word) => (value << 32n) | BigInt(word), 0n);
}

export function toWords(value: bigint): Uint32Array {
  return Uint32Array.from([96n, 64n, 32n, 0n], (shift) => Number((value >> shift) & 0xffff_ffffn));
}

function fromBytes(bytes: number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function to4(ip: number[]): number[] {
  const mapped =
    ip.length === 16 && [...Array<number>(10).fill(0), 255, 255].every((byte, at) => ip[at] === byte);
  return mapped ? ip.slice(12) : ip;
}

function naiveIpv4(text: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){3}$/.test(text)) return undefined;
  const octets = text.split(".").map((octet) => BigInt(octet));
  if (octets.some((octet) => octet > 255n)) return undefined;
  return octets.reduce((value, octet) => (value << 8n) | octet, 0n);
}
