/** Frames for a sender of raw Ethernet, to an unused address: the receiving host ignores them. */

const TO_NOBODY = [2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 2, 0x11, 0x22, 0x33, 0x44, 0x55];

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

export interface FrameFields {
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Of the whole frame. */
  readonly length?: number;
  /** Tells frames apart: the IPv4 identification, or the IPv6 flow label. */
  readonly number?: number;
  /** Tags in the bytes, outermost first: EtherType and VLAN. */
  readonly tags?: readonly (readonly [etherType: number, vlan: number])[];
  /** A fragment: offset in units of 8 bytes, and whether more follow. */
  readonly fragment?: { readonly offset: number; readonly more: boolean };
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** An IPv4 packet from 10.77.0.1 to 10.77.0.2. */
export function ipv4Frame(fields: FrameFields = {}): Uint8Array {
  const { protocol = PROTOCOL.udp, number = 0, fragment, tags = [] } = fields;
  const { frame, view, network } = ethernet(0x0800, tags, fields.length ?? 64);
  const length = frame.length - network;
  frame[network] = 0x45;
  view.setUint16(network + 2, length);
  view.setUint16(network + 4, number & 0xffff);
  if (fragment !== undefined) view.setUint16(network + 6, (fragment.more ? 0x2000 : 0) | fragment.offset);
  frame[network + 8] = 64;
  frame[network + 9] = protocol;
  frame.set([10, 77, 0, 1, 10, 77, 0, 2], network + 12);
  view.setUint16(network + 10, checksum(view, network, IPV4_HEADER));
  setPorts(view, network + IPV4_HEADER, fields);
  return frame;
}

/** An IPv6 packet from fd00:77::1 to fd00:77::2. */
export function ipv6Frame(fields: FrameFields = {}): Uint8Array {
  const { protocol = PROTOCOL.udp, number = 0, fragment, tags = [] } = fields;
  const { frame, view, network } = ethernet(0x86dd, tags, fields.length ?? 86);
  view.setUint32(network, 0x60000000 | (number & 0xfffff));
  view.setUint16(network + 4, frame.length - network - IPV6_HEADER);
  frame[network + 6] = fragment === undefined ? protocol : 44;
  frame[network + 7] = 64;
  frame.set([0xfd, 0, 0, 0x77], network + 8);
  frame[network + 23] = 1;
  frame.set([0xfd, 0, 0, 0x77], network + 24);
  frame[network + 39] = 2;
  let transport = network + IPV6_HEADER;
  if (fragment !== undefined) {
    frame[transport] = protocol;
    view.setUint16(transport + 2, (fragment.offset << 3) | (fragment.more ? 1 : 0));
    transport += 8;
  }
  setPorts(view, transport, fields);
  return frame;
}

/** A frame of no network protocol that anybody knows. */
export function otherFrame(length = 60): Uint8Array {
  return ethernet(0x88b5, [], length).frame;
}

function ethernet(
  etherType: number,
  tags: readonly (readonly [number, number])[],
  length: number,
): { frame: Uint8Array; view: DataView; network: number } {
  const frame = Uint8Array.from({ length }, (_, index) => index);
  const view = new DataView(frame.buffer);
  frame.set(TO_NOBODY);
  let offset = 12;
  for (const [type, vlan] of tags) {
    view.setUint16(offset, type);
    view.setUint16(offset + 2, vlan);
    offset += 4;
  }
  view.setUint16(offset, etherType);
  frame.fill(0, offset + 2, Math.min(length, offset + 2 + IPV6_HEADER + 8));
  return { frame, view, network: offset + 2 };
}

function setPorts(
  view: DataView,
  at: number,
  { protocol = PROTOCOL.udp, fragment, ...fields }: FrameFields,
): void {
  if (fragment !== undefined && fragment.offset > 0) return;
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    view.setUint8(at, protocol === PROTOCOL.icmp ? 8 : 128);
    return;
  }
  view.setUint16(at, fields.sourcePort ?? 1000);
  view.setUint16(at + 2, fields.destinationPort ?? 53);
  if (protocol === PROTOCOL.udp) view.setUint16(at + 4, view.byteLength - at);
  if (protocol === PROTOCOL.tcp) view.setUint8(at + 12, 0x50);
}

/** https://www.rfc-editor.org/rfc/rfc1071 */
function checksum(view: DataView, start: number, length: number): number {
  let sum = 0;
  for (let at = start; at < start + length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}
