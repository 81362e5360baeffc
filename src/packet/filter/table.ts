import { IPV4_DESTINATION, IPV4_SOURCE } from "../headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_SOURCE } from "../headers/ipv6.js";
import { type PacketLayers, UNKNOWN } from "../layers.js";
import { readUint16, readWord } from "../word.js";
import type { ParsedPacketFilter } from "./check.js";

/** Whether a packet with these layers matches. */
export type LayersPredicate = (bytes: Uint8Array, layers: PacketLayers) => boolean;

/** Minimum number of filters of one shape for which a table is cheaper than comparing them one by one. */
export const TABLE_ROWS = 4;

/**
 * Compiles filters that differ only in values (same family, prefix lengths, and choice of ports and protocol) into one
 * hash table over the masked fields: one lookup per packet, regardless of the number of filters. Cilium's datapath does
 * the same (bpf/lib/pcap.h: one hash-map lookup per distinct mask).
 */
export function compileTable(filters: readonly ParsedPacketFilter[]): LayersPredicate {
  const shape = filters[0]!;
  const words = shape.family === 4 ? 1 : 4;
  const sourceAt = shape.family === 4 ? IPV4_SOURCE : IPV6_SOURCE;
  const destinationAt = shape.family === 4 ? IPV4_DESTINATION : IPV6_DESTINATION;
  const sourceMask = Int32Array.from(shape.source.mask.subarray(4 - words));
  const destinationMask = Int32Array.from(shape.destination.mask.subarray(4 - words));
  const needsSourcePort = shape.sourcePort > 0;
  const needsDestinationPort = shape.destinationPort > 0;
  const needsProtocol = shape.protocol > 0;

  const width = 2 * words + 2;
  const table = createTable(
    width,
    filters.map((filter) => keyOf(filter, words)),
  );
  const key = new Int32Array(width);

  return (bytes, { network, protocol, ports }) => {
    if (needsProtocol && protocol === UNKNOWN) return false;
    if ((needsSourcePort || needsDestinationPort) && ports === UNKNOWN) return false;
    for (let index = 0; index < words; index++) {
      key[index] = readWord(bytes, network + sourceAt + 4 * index) & sourceMask[index]!;
      key[words + index] = readWord(bytes, network + destinationAt + 4 * index) & destinationMask[index]!;
    }
    key[2 * words] = packPorts(
      needsSourcePort ? readUint16(bytes, ports) : 0,
      needsDestinationPort ? readUint16(bytes, ports + 2) : 0,
    );
    key[2 * words + 1] = needsProtocol ? protocol : 0;
    return table(key);
  };
}

function keyOf(filter: ParsedPacketFilter, words: number): Int32Array {
  const { source, destination, sourcePort, destinationPort, protocol } = filter;
  return Int32Array.of(
    ...source.words.subarray(4 - words),
    ...destination.words.subarray(4 - words),
    packPorts(sourcePort, destinationPort),
    protocol,
  );
}

function packPorts(source: number, destination: number): number {
  return (source << 16) | destination;
}

/** A set of keys of `width` numbers each. Open addressing, at most half full, so that a miss needs few probes. */
function createTable(width: number, keys: readonly Int32Array[]): (key: Int32Array) => boolean {
  const slots = 2 ** Math.ceil(Math.log2(2 * keys.length));
  const used = new Uint8Array(slots);
  const rows = new Int32Array(slots * width);

  /** The slot of the key, or the free slot to insert it into. */
  function find(key: Int32Array): number {
    let slot = hash(key) & (slots - 1);
    while (used[slot] === 1 && !equals(key, slot * width)) slot = (slot + 1) & (slots - 1);
    return slot;
  }

  function equals(key: Int32Array, row: number): boolean {
    for (let index = 0; index < width; index++) if (rows[row + index] !== key[index]) return false;
    return true;
  }

  for (const key of keys) {
    const slot = find(key);
    used[slot] = 1;
    rows.set(key, slot * width);
  }
  return (key) => used[find(key)] === 1;
}

/** Multiplies and mixes with murmur3's constants (public domain), because addresses and ports are often consecutive. */
function hash(key: Int32Array): number {
  let state = 0;
  for (let index = 0; index < key.length; index++) {
    const mixed = Math.imul(key[index]!, 0xcc9e2d51);
    state = Math.imul(state ^ ((mixed << 15) | (mixed >>> 17)), 0x1b873593);
    state = (state << 13) | (state >>> 19);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  return state ^ (state >>> 13);
}
