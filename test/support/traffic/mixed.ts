import { ipv4Frame, ipv6Frame, otherFrame, PROTOCOL } from "./frames.js";

const VLAN = [0x8100, 42] as const;
const SERVICE_VLAN = [0x88a8, 7] as const;

/** One frame of each kind, by the number that identifies it. */
const KINDS: readonly ((number: number) => Uint8Array)[] = [
  (number) => ipv4Frame({ number, protocol: PROTOCOL.tcp, destinationPort: 443 }),
  (number) => ipv4Frame({ number, protocol: PROTOCOL.udp, length: 1514 }),
  (number) => ipv4Frame({ number, protocol: PROTOCOL.icmp, length: 98 }),
  (number) => ipv4Frame({ number, protocol: PROTOCOL.sctp, destinationPort: 38412, length: 200 }),
  (number) => ipv4Frame({ number, length: 1514, fragment: { offset: 0, more: true } }),
  (number) => ipv4Frame({ number, length: 600, fragment: { offset: 185, more: false } }),
  (number) => ipv6Frame({ number, protocol: PROTOCOL.tcp, destinationPort: 443 }),
  (number) => ipv6Frame({ number, protocol: PROTOCOL.udp, length: 1280 }),
  (number) => ipv6Frame({ number, protocol: PROTOCOL.icmpv6, length: 118 }),
  (number) => ipv6Frame({ number, length: 1280, fragment: { offset: 0, more: true } }),
  (number) => ipv6Frame({ number, length: 300, fragment: { offset: 154, more: false } }),
  (number) => ipv4Frame({ number, tags: [VLAN], protocol: PROTOCOL.tcp, length: 90 }),
  (number) => ipv6Frame({ number, tags: [VLAN], length: 400 }),
  (number) => ipv4Frame({ number, tags: [SERVICE_VLAN, VLAN], length: 120 }),
  () => otherFrame(),
];

/** Frames of all kinds in turn, some longer than others. */
export function mixedFrames(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, number) => KINDS[number % KINDS.length]!(number));
}
